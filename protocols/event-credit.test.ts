import assert from 'node:assert/strict'
import test from 'node:test'
import { Credit } from './event-credit.ts'

const HUGE = Number.MAX_SAFE_INTEGER

/** Sends events of `bytes` as long as the credit allows, at most `most`; yields how many. */
function send(credit: Credit, bytes: number, most: number): number {
  let n = 0
  while (n < most && credit.allows(bytes)) {
    credit.sent(bytes)
    n++
  }
  return n
}

test('says what may leave once others have left', () => {
  const credit = new Credit(100)

  assert.deepEqual([credit.allows(500), credit.allows(40, 60), credit.allows(41, 60)], [true, true, false])
  credit.sent(50)
  assert.deepEqual([credit.allows(20, 30), credit.allows(21, 30)], [true, false])
})

test('a huge credit that is never renewed keeps no more than a bounded memory of what was sent', () => {
  const credit = new Credit(HUGE)

  const sent = send(credit, 100, 200_000) + send(credit, 0, 200_000)

  assert.equal(sent, 400_000)
  assert.ok(credit.size <= 1024, `${credit.size} runs`)
  assert.equal(credit.grant(400_001, 1), false)
  assert.equal(credit.grant(400_000, 1), true)
  assert.equal(credit.size, 0)
})

test('many small grants leave nothing behind', () => {
  const credit = new Credit(1_000_000)

  for (let n = 1; n <= 100_000; n++) {
    credit.sent(10)
    if (n > 500) assert.ok(credit.grant(n - 500, 1_000_000))
  }

  assert.ok(credit.size <= 500)
})

test('with few events outstanding the credit is exact to the byte', () => {
  const credit = new Credit(100)
  for (const bytes of [10, 20, 30]) credit.sent(bytes)

  assert.ok(credit.grant(1, 100))

  assert.deepEqual([credit.allows(50), credit.allows(51)], [true, false])
})

test('events that are counted together never exceed the credit, and cost at most a 256th of it', () => {
  const CREDIT = 320_000
  const credit = new Credit(CREDIT)
  const sizes: number[] = []
  let dealtWith = 0
  let outstanding = 0
  let mostMissing = 0
  for (let n = 0; n < 50_000; n++) {
    const bytes = (n * 7919) % 97
    while (!credit.allows(bytes)) {
      mostMissing = Math.max(mostMissing, CREDIT - outstanding - bytes)
      for (let i = 0; i < 123; i++) outstanding -= sizes[dealtWith++]!
      assert.ok(credit.grant(dealtWith, CREDIT))
    }
    credit.sent(bytes)
    sizes.push(bytes)
    outstanding += bytes
    assert.ok(outstanding <= CREDIT)
  }

  assert.ok(dealtWith > 10_000)
  assert.ok(mostMissing <= CREDIT / 256, `${mostMissing} bytes of credit were not used`)
})

for (const batch of [1, 32_768, 64_000, 65_000, 65_536])
  test(`a reader that deals with ${batch} small events before it renews its credit gets all of them`, () => {
    const credit = new Credit(65_536)
    let sent = 0

    for (let dealtWith = 0; dealtWith < 400_000; dealtWith += batch) {
      sent += send(credit, 1, HUGE)
      assert.equal(sent - dealtWith, 65_536)
      assert.ok(credit.grant(dealtWith + batch, 65_536))
      assert.ok(credit.size <= 1024)
      if (batch === 1 && dealtWith > 2000) break
    }
  })

test('a step back, or past what was sent, is refused', () => {
  const credit = new Credit(100)
  credit.sent(1)
  credit.sent(1)

  assert.equal(credit.grant(2, 100), true)
  assert.equal(credit.grant(1, 100), false)
  assert.equal(credit.grant(3, 100), false)
})
