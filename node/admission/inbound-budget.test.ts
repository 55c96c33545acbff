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
  one.hold(4 * MIB - 10)

  assert.equal(two.reserve(11), false)
  assert.equal(two.reserve(10), true)
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
