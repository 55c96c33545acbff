import assert from 'node:assert/strict'
import { test } from 'node:test'
import { differenceOf, isConfirmed, isTold } from './difference.ts'

/** Numbers between 0 and 1 that are the same in each run. */
function drawn(count: number, seed: number): number[] {
  let state = seed
  return Array.from({ length: count }, () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  })
}

test('two samples of one kind cannot be told apart', () => {
  const found = differenceOf(drawn(5000, 1), drawn(5000, 2))

  assert.ok(Math.abs(found.auc - 0.5) < 0.02, `${found.auc}`)
  assert.equal(isTold(found), false)
})

test('a shift of a twentieth of the spread is seen in 10,000 requests', () => {
  const shifted = drawn(5000, 2).map(ms => ms + 0.05)

  assert.equal(isTold(differenceOf(shifted, drawn(5000, 1))), true)
  assert.equal(isTold(differenceOf(drawn(5000, 1), shifted)), true)
})

test('a few very long times are no difference', () => {
  const some = drawn(5000, 2).map((ms, n) => (n % 1000 === 0 ? ms + 1e6 : ms))

  assert.equal(isTold(differenceOf(some, drawn(5000, 1))), false)
})

test('equal times are no difference, and times wholly apart are the largest there is', () => {
  const same = Array<number>(100).fill(3)

  assert.deepEqual(differenceOf(same, same).auc, 0.5)
  assert.deepEqual(
    differenceOf(
      same.map(ms => ms + 1),
      same
    ).auc,
    1
  )
  assert.deepEqual(
    differenceOf(
      same,
      same.map(ms => ms + 1)
    ).medians,
    [3, 4]
  )
})

test('a difference counts when it shows twice, in the same direction', () => {
  const [one, other] = [drawn(5000, 1), drawn(5000, 2)]
  const longer = differenceOf(
    one.map(ms => ms + 0.2),
    other
  )
  const shorter = differenceOf(
    one.map(ms => ms - 0.2),
    other
  )

  assert.equal(isConfirmed(longer, longer), true)
  assert.equal(isConfirmed(longer, shorter), false)
  assert.equal(isConfirmed(longer, differenceOf(one, other)), false)
})
