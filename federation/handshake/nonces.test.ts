import assert from 'node:assert/strict'
import { test } from 'node:test'
import { NonceMemory } from './nonces.ts'

test('takes a nonce once, until its time is over', () => {
  const nonces = new NonceMemory({ forMs: 1000 })

  assert.equal(nonces.take('n', 0), true)
  assert.equal(nonces.take('n', 999), false)
  assert.equal(nonces.take('n', 1000), true)
})

test('knows its own from those that it was shown', () => {
  const nonces = new NonceMemory({ forMs: 1000 })
  nonces.drew('own', 0)
  nonces.take('shown', 0)

  assert.deepEqual(
    [nonces.isOwn('own', 999), nonces.isOwn('shown', 999), nonces.isOwn('own', 1000)],
    [true, false, false]
  )
})

test('holds no more than it may: the oldest gives way, and what is shown takes no room from its own', () => {
  const nonces = new NonceMemory({ most: 2 })
  nonces.drew('own', 0)
  for (const nonce of ['a', 'b', 'c']) assert.equal(nonces.take(nonce, 0), true)

  assert.deepEqual([nonces.take('b', 1), nonces.take('c', 1), nonces.isOwn('own', 1)], [false, false, true])
  assert.equal(nonces.take('a', 1), true)
})
