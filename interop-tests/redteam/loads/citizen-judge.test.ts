import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Tally } from '../../http/caller.ts'
import { citizenProblems } from './citizen-judge.ts'

function judged(name: string, good: number, refused: readonly number[] = [], left = 0) {
  const tally = new Tally()
  for (let n = 0; n < good; n++) tally.add({ status: 200, retryAfterS: 0 })
  for (const status of refused) tally.add({ status, retryAfterS: 1 })
  tally.left = left
  return { name, tally }
}

const FLOOD = judged('flood', 1, [429])

for (const [what, citizen, isFull, expected] of [
  ['nine of ten answered', judged('a', 9, [503]), true, []],
  ['more refused with 503', judged('a', 8, [503, 503]), true, ['a: 8 of 10 answered']],
  ['more not asked', judged('a', 8, [], 2), true, ['a: 8 of 10 answered']],
  ['the same in short', judged('a', 8, [503], 1), false, []],
  ['a 429', judged('a', 99, [429]), false, ['429 a']]
] as const)
  test(`callers within their limits: ${what}`, () => {
    assert.deepEqual(citizenProblems([citizen], FLOOD, isFull), expected)
  })

test('a flood that nobody refuses, and an answer that is wrong, are problems', () => {
  const flood = judged('flood', 5)
  flood.tally.failed(new Error('no answer'))

  assert.deepEqual(citizenProblems([], flood, true), ['flood: no answer', 'the flood saw no 429'])
})
