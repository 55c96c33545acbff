import assert from 'node:assert/strict'
import { test } from 'node:test'
import { HELD_BACK_MS, HeldBackAnnouncements, MOST_HELD_BACK } from './held-back.ts'

const SERIES = { share: '5f1d09c4a7e24be08c3a6d2f90b1e7c8', origin: 'h1a', series: 1 }
const OTHER = { ...SERIES, series: 2 }

function holding() {
  const clock = { ms: 0 }
  const held = new HeldBackAnnouncements(() => clock.ms)
  const passedOn: number[] = []
  const hold = (number: number, name = SERIES): void =>
    void held.hold(name, number)?.then(() => passedOn.push(number))
  return { clock, held, passedOn, hold }
}

const turn = (): Promise<void> => new Promise(setImmediate)

test('an announcement is passed on once its number is here, and no other is', async () => {
  const { held, passedOn, hold } = holding()
  for (const number of [1, 2, 3]) hold(number)
  hold(4, OTHER)

  held.came(SERIES, number => number <= 2)
  await turn()

  assert.deepEqual(passedOn, [1, 2])
  assert.equal(held.count, 2)
})

test('one that has waited long enough is passed on, and its series is told once', async () => {
  const { clock, held, passedOn, hold } = holding()
  for (const number of [1, 2]) hold(number)
  clock.ms = HELD_BACK_MS - 1
  hold(3)
  assert.deepEqual(held.tick(), [])

  clock.ms = HELD_BACK_MS
  assert.deepEqual(held.tick(), [SERIES])
  await turn()

  assert.deepEqual(passedOn, [1, 2])
  assert.equal(held.count, 1)
})

test('one too many is not held back, and there is room again once others are passed on', () => {
  const { held, hold } = holding()
  for (let number = 1; number <= MOST_HELD_BACK; number++) hold(number)

  assert.equal(held.hold(OTHER, 1), undefined)

  held.came(SERIES, number => number === 1)
  assert.notEqual(held.hold(OTHER, 1), undefined)
  assert.equal(held.count, MOST_HELD_BACK)
})
