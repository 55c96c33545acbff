import assert from 'node:assert/strict'
import { test } from 'node:test'
import { linksOf, ringWithChords } from './ring.ts'

test('twenty have six links each and reach each other over two at most', () => {
  const dials = ringWithChords(20)

  assert.deepEqual(linksOf(dials), Array(20).fill(6))
  assert.equal(farthest(dials), 2)
})

test('a few are linked once each, and nobody with himself', () => {
  for (const members of [2, 3, 4, 5, 8, 9]) {
    const dials = ringWithChords(members)

    const pairs = dials.flatMap((own, from) => own.map(to => [Math.min(from, to), Math.max(from, to)].join()))
    assert.equal(new Set(pairs).size, pairs.length)
    assert.ok(dials.every((own, from) => !own.includes(from)))
    assert.ok(farthest(dials) < members)
  }
})

function farthest(dials: readonly (readonly number[])[]): number {
  const near = dials.map((own, at) => [
    ...own,
    ...dials.flatMap((others, by) => (others.includes(at) ? [by] : []))
  ])
  const from = new Map([[0, 0]])
  for (const [at, hops] of from) for (const to of near[at]!) if (!from.has(to)) from.set(to, hops + 1)
  assert.equal(from.size, dials.length)
  return Math.max(...from.values())
}
