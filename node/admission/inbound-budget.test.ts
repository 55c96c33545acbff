import assert from 'node:assert/strict'
import test from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import fc from 'fast-check'
import { ConnectionBudget, NodeBudget } from './inbound-budget.ts'

const MIB = 1024 * 1024
const known = (): boolean => false
const stranger = (): boolean => true

test('refuses room for a frame when the node holds its whole budget', () => {
  const node = new NodeBudget(4 * MIB)
  const one = new ConnectionBudget(node, MIB, known)
  const two = new ConnectionBudget(node, MIB, known)
  one.hold(4 * MIB - 20_000)

  assert.equal(two.reserve(20_001), false)
  assert.equal(two.reserve(20_000), true)
  assert.equal(two.isSpent, true)
})

test('holds a stranger to its own bound while others go on', () => {
  const node = new NodeBudget(64 * MIB)
  const one = new ConnectionBudget(node, MIB, stranger)
  const two = new ConnectionBudget(node, MIB, known)

  assert.equal(one.reserve(MIB - 1), true)
  assert.equal(one.reserve(2), false)
  assert.equal(two.reserve(8 * MIB), true)
})

test('lets one frame through to a stranger who holds nothing, even one byte over its bound', () => {
  const node = new NodeBudget(64 * MIB)
  const one = new ConnectionBudget(node, MIB, stranger)

  assert.equal(one.reserve(MIB + 4), true)
  assert.equal(one.isSpent, true)
})

test('keeps three quarters of the budget free of strangers', () => {
  const node = new NodeBudget(4 * MIB)
  const strangers = Array.from({ length: 8 }, () => new ConnectionBudget(node, MIB, stranger))

  const admitted = strangers.filter(s => s.reserve(MIB / 2)).length

  assert.equal(admitted, 2)
  assert.equal(new ConnectionBudget(node, MIB, known).reserve(3 * MIB), true)
})

test('lets a connection that holds next to nothing go on, whatever the others hold', () => {
  const node = new NodeBudget(4 * MIB)
  const hoarder = new ConnectionBudget(node, MIB, stranger)
  hoarder.hold(MIB)
  const newcomer = new ConnectionBudget(node, MIB, stranger)

  assert.equal(hoarder.isSpent, true)
  assert.equal(newcomer.isSpent, false)
  assert.equal(newcomer.reserve(1000), true)
  assert.equal(newcomer.reserve(MIB / 2), false)
})

test('lets a connection go on once it has given back what it held, though the others hold on', async () => {
  const node = new NodeBudget(4 * MIB)
  const hoarder = new ConnectionBudget(node, 4 * MIB, stranger)
  const one = new ConnectionBudget(node, MIB, stranger)
  one.hold(100_000)
  hoarder.hold(2 * MIB)
  let woken = 0
  one.onRoom(() => woken++)

  one.release(100_000)
  await Promise.resolve()

  assert.equal(one.isSpent, false)
  assert.equal(woken, 1)
})

test('wakes readers in their order, each when there is room for what it wants', async () => {
  const node = new NodeBudget(100_000)
  const one = new ConnectionBudget(node, MIB, known)
  const woken: string[] = []
  const want = (name: string, bytes: number) =>
    one.onRoom(() => {
      woken.push(name)
      one.hold(bytes)
    }, bytes)
  one.hold(100_000)
  want('first', 20_000)
  want('large', 50_000)
  want('last', 20_000)

  one.release(30_000)
  await turn()
  const early = [...woken]
  one.release(50_000)
  await turn()

  assert.deepEqual(early, ['first'])
  assert.deepEqual(woken, ['first', 'large'])
})

test('wakes the next when the one woken takes nothing', async () => {
  const node = new NodeBudget(100_000)
  const one = new ConnectionBudget(node, MIB, known)
  let woken = 0
  one.hold(100_000)
  for (let i = 0; i < 5; i++) one.onRoom(() => woken++, 100_000)

  one.release(100_000)
  await turn()

  assert.equal(woken, 5)
})

test('forgets a reader that is gone, which holds up nobody behind it', async () => {
  const node = new NodeBudget(100_000)
  const one = new ConnectionBudget(node, MIB, known)
  const woken: string[] = []
  one.hold(100_000)
  const gone = (): void => void woken.push('gone')
  one.onRoom(gone, 90_000)
  one.onRoom(() => woken.push('next'), 40_000)
  one.release(50_000)

  one.forget(gone)
  await turn()

  assert.deepEqual(woken, ['next'])
})

test('wakes who waited among strangers once the connection is known', async () => {
  const node = new NodeBudget(4 * MIB)
  const hoarder = new ConnectionBudget(node, 4 * MIB, stranger)
  let isStranger = true
  const one = new ConnectionBudget(node, MIB, () => isStranger)
  hoarder.hold(MIB)
  one.hold(100_000)
  let woken = 0
  one.onRoom(() => woken++)

  isStranger = false
  one.review()
  await turn()

  assert.equal(woken, 1)
})

test('counts what a connection holds as strangers’ again once it is a stranger again', async () => {
  const node = new NodeBudget(64 * MIB)
  let isStranger = false
  const one = new ConnectionBudget(node, MIB, () => isStranger)
  one.hold(2 * MIB)
  assert.equal(one.isSpent, false)

  isStranger = true
  one.review()
  one.review()

  assert.equal(node.strangers.heldBytes, 2 * MIB)
  assert.equal(one.isSpent, true)
  assert.equal(one.reserve(MIB), false)
  let woken = 0
  one.onRoom(() => woken++)
  one.release(MIB + 1)
  await turn()
  assert.deepEqual([woken, one.isSpent], [1, false])
})

test('wakes a waiting reader once, when there is room again', async () => {
  const node = new NodeBudget(100)
  const one = new ConnectionBudget(node, MIB, known)
  let woken = 0
  one.hold(100)
  one.onRoom(() => woken++)

  one.release(50)
  one.release(50)
  await Promise.resolve()

  assert.equal(woken, 1)
})

test('counts back to nothing, also when a stranger becomes known and a stranger again half-way', () => {
  const steps = fc.array(fc.record({ bytes: fc.nat(1000), turns: fc.boolean() }), { maxLength: 30 })
  fc.assert(
    fc.property(steps, plan => {
      const node = new NodeBudget(1_000_000)
      let isStranger = true
      const one = new ConnectionBudget(node, 500_000, () => isStranger)

      for (const { bytes } of plan) one.hold(bytes)
      for (const { bytes, turns } of plan) {
        if (turns) isStranger = !isStranger
        if (isStranger) one.review()
        one.release(bytes)
      }

      assert.deepEqual([one.heldBytes, node.all.heldBytes, node.strangers.heldBytes], [0, 0, 0])
    })
  )
})
