import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { SHARES } from './numbers.ts'
import { clip, countOf, cut, holds, isInOrder, join, meet, minus, rotated } from './ranges.ts'
import type { Range, Ranges } from './ranges.ts'
import {
  NEW_TRACK,
  giveUp,
  isScattered,
  isSettled,
  lagOf,
  offerOf,
  reopen,
  settle,
  settleAll,
  wanted
} from './track.ts'
import type { Track } from './track.ts'

const MOST = 40
const HUGE = Number.MAX_SAFE_INTEGER

const numbers = fc.uniqueArray(fc.integer({ min: 1, max: MOST }), { maxLength: MOST })

const rangesOf = (some: readonly number[]): Ranges =>
  [...some]
    .sort((a, b) => a - b)
    .reduce<[number, number][]>((all, n) => {
      const last = all.at(-1)
      if (last?.[1] === n - 1) last[1] = n
      else all.push([n, n])
      return all
    }, [])

const numbersOf = (ranges: Ranges): number[] =>
  ranges.flatMap(([from, to]) => Array.from({ length: to - from + 1 }, (_, i) => from + i))

const trackOf = (settled: readonly number[]): Track => settled.reduce<Track>(settle, NEW_TRACK)

test('ranges meet, lose and clip as the sets do that they stand for', () => {
  fc.assert(
    fc.property(numbers, numbers, fc.integer({ min: 0, max: MOST }), (a, b, at) => {
      const [one, other] = [rangesOf(a), rangesOf(b)]
      const sorted = (some: readonly number[]): number[] => [...some].sort((x, y) => x - y)
      assert.ok(isInOrder(one))
      assert.deepEqual(numbersOf(meet(one, other)), sorted(a.filter(n => b.includes(n))))
      assert.deepEqual(numbersOf(join(one, other)), sorted([...new Set([...a, ...b])]))
      assert.ok(isInOrder(join(one, other)))
      assert.deepEqual(numbersOf(minus(one, other)), sorted(a.filter(n => !b.includes(n))))
      assert.deepEqual(numbersOf(clip(one, at, MOST)), sorted(a.filter(n => n >= at)))
      assert.equal(countOf(one), a.length)
      assert.equal(holds(one, at), a.includes(at))
      assert.deepEqual(sorted(numbersOf(rotated(one, at))), sorted(a))
    })
  )
})

test('a cut takes the first numbers in their order, and leaves the others', () => {
  fc.assert(
    fc.property(
      numbers,
      fc.integer({ min: 1, max: 9 }),
      fc.integer({ min: 1, max: 4 }),
      fc.integer({ min: 0, max: MOST }),
      (some, most, stretches, start) => {
        const all = rotated(rangesOf(some), start)
        const { taken, rest } = cut(all, { numbers: most, stretches })
        assert.ok(countOf(taken) <= most && taken.length <= stretches)
        assert.ok(all.length === 0 || countOf(taken) > 0)
        assert.deepEqual([...numbersOf(taken), ...numbersOf(rest)], numbersOf(all))
      }
    )
  )
})

test('a track knows what was settled in whatever order', () => {
  fc.assert(
    fc.property(numbers, settled => {
      const track = trackOf(settled)
      for (let n = 1; n <= MOST; n++) assert.equal(isSettled(track, n), settled.includes(n))
      assert.equal(track.last, Math.max(0, ...settled))
      assert.ok(isInOrder(track.missing))
      assert.equal(lagOf(track, MOST), MOST - settled.length)
    })
  )
})

test('what is wanted is what the other side has and this one has not settled', () => {
  fc.assert(
    fc.property(numbers, numbers, (here, there) => {
      const want = wanted(trackOf(here), trackOf(there))
      const lacking = there.filter(n => !here.includes(n)).sort((a, b) => a - b)
      assert.deepEqual(numbersOf(want), lacking)
    })
  )
})

test('giving up settles what lies below, and says how much of it never came', () => {
  fc.assert(
    fc.property(numbers, fc.integer({ min: 1, max: MOST }), (settled, first) => {
      const before = trackOf(settled)
      const { track, gap } = giveUp(before, first)
      const never = Array.from({ length: first - 1 }, (_, i) => i + 1).filter(n => !settled.includes(n))
      assert.equal(gap, settled.length === 0 ? 0 : never.length)
      for (let n = 1; n <= MOST; n++) assert.equal(isSettled(track, n), n < first || settled.includes(n))
      assert.deepEqual(giveUp(track, first), { track, gap: 0 })
    })
  )
})

test('a stretch that is withheld is settled as its numbers are one by one', () => {
  fc.assert(
    fc.property(numbers, fc.tuple(fc.nat(MOST), fc.nat(MOST)), (settled, [a, b]) => {
      const range: Range = [Math.min(a, b) + 1, Math.max(a, b) + 1]
      const track = settleAll(trackOf(settled), range)
      assert.deepEqual(track, numbersOf([range]).reduce<Track>(settle, trackOf(settled)))
    })
  )
})

test('the highest numbers that there are cost no more than small ones', () => {
  const track = trackOf([1, 2, 5])
  const offer = { first: 1, last: HUGE, missing: [[3, HUGE - 5]] as Ranges }

  assert.deepEqual(wanted(track, offer), [])
  assert.deepEqual(wanted(track, { ...offer, missing: [] }), [
    [3, 4],
    [6, 5 + SHARES.ahead]
  ])
  assert.equal(lagOf(track, HUGE), 2 + SHARES.ahead)
  assert.equal(giveUp(track, HUGE).gap, SHARES.ahead)
})

test('an offer names no more stretches than one row may have', () => {
  const odd = Array.from({ length: SHARES.stretches + 3 }, (_, i) => 2 * i + 2)
  const track = trackOf(odd)
  const offer = offerOf(track)

  assert.ok(isScattered(track))
  assert.equal(offer.missing.length, SHARES.stretches)
  assert.deepEqual(
    numbersOf(wanted(NEW_TRACK, offer)),
    odd.filter(n => n <= offer.last)
  )
})

test('what is settled and is to be had after all is missing again, and nothing else', () => {
  fc.assert(
    fc.property(numbers, numbers, (settled, again) => {
      const track = trackOf(settled)
      const { track: opened, rest } = reopen(track, rangesOf(again))

      assert.equal(rest, undefined)
      for (let n = 1; n <= MOST; n++) {
        const isOpened = n <= track.last && again.includes(n)
        assert.equal(isSettled(opened, n), isSettled(track, n) && !isOpened)
      }
    })
  )
})

test('what is missing again leaves room for what comes, and goes on where it stopped', () => {
  const track = settleAll(NEW_TRACK, [1, 2000])
  const odd = Array.from({ length: 1000 }, (_, n): Range => [2 * n + 1, 2 * n + 1])

  const first = reopen(track, odd)
  const second = reopen(first.track, odd.slice(128))

  assert.deepEqual([first.track.missing.length, first.rest], [SHARES.stretches / 2, 257])
  assert.deepEqual([second.track, second.rest], [first.track, 257])
})
