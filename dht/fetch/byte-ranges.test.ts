import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { includes, span, within, without } from './byte-ranges.ts'
import type { ByteRanges, Span } from './byte-ranges.ts'

const MOST = 40
const spans = fc.tuple(fc.nat(MOST), fc.nat(MOST)).map(([from, to]): Span => ({ from, to }))
const ranges = fc
  .array(fc.boolean(), { minLength: MOST, maxLength: MOST })
  .map(bits => bits.flatMap((bit, n) => (bit ? [n] : [])).reduce<ByteRanges>((all, n) => joined(all, n), []))

test('ranges without a span have the bytes of the one that are not in the other', () => {
  fc.assert(
    fc.property(ranges, spans, (all, taken) => {
      assert.deepEqual(
        bytesOf(without(all, taken)),
        bytesOf(all).filter(n => n < taken.from || n >= taken.to)
      )
    })
  )
})

test('ranges within others have the bytes of both', () => {
  fc.assert(
    fc.property(ranges, ranges, (all, bounds) => {
      const there = new Set(bytesOf(bounds))
      assert.deepEqual(
        bytesOf(within(all, bounds)),
        bytesOf(all).filter(n => there.has(n))
      )
    })
  )
})

test('an end that is not known is cut once it is', () => {
  const all = [{ from: 5, to: Infinity }]

  assert.deepEqual(without(all, { from: 9, to: Infinity }), [{ from: 5, to: 9 }])
  assert.deepEqual(without(all, { from: 0, to: 7 }), [{ from: 7, to: Infinity }])
  assert.equal(includes(all, { from: 6, to: 1e9 }), true)
  assert.equal(includes(all, { from: 4, to: 6 }), false)
})

const bytesOf = (all: ByteRanges): number[] =>
  all.flatMap(({ from, to }) => Array.from({ length: to - from }, (_, n) => from + n))

function joined(all: ByteRanges, n: number): ByteRanges {
  const last = all.at(-1)
  return last?.to === n ? [...all.slice(0, -1), { from: last.from, to: n + 1 }] : [...all, ...span(n, n + 1)]
}
