import assert from 'node:assert/strict'
import test from 'node:test'
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

test('wakes as many readers as there is room for, in their order', async () => {
  const node = new NodeBudget(100_000)
  const one = new ConnectionBudget(node, MIB, known)
  const woken: string[] = []
  one.hold(100_000)
  one.onRoom(() => woken.push('large'), 50_000)
  one.onRoom(() => woken.push('first'), 20_000)
  one.onRoom(() => woken.push('second'), 20_000)

  one.release(30_000)
  await Promise.resolve()

  assert.deepEqual(woken, ['first'])
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

test('counts back to nothing, also when a stranger becomes known half-way', () => {
  const steps = fc.array(fc.record({ bytes: fc.nat(1000), promotes: fc.boolean() }), { maxLength: 30 })
  fc.assert(
    fc.property(steps, plan => {
      const node = new NodeBudget(1_000_000)
      let isStranger = true
      const one = new ConnectionBudget(node, 500_000, () => isStranger)

      for (const { bytes } of plan) one.hold(bytes)
      for (const { bytes, promotes } of plan) {
        if (promotes) isStranger = false
        one.release(bytes)
      }

      assert.deepEqual([one.heldBytes, node.all.heldBytes, node.strangers.heldBytes], [0, 0, 0])
    })
  )
})
