import assert from 'node:assert/strict'
import test from 'node:test'
import { Uint8ArrayList } from 'uint8arraylist'
import { isScattered, joined } from './scattered.ts'

test('a few small pieces, or many large ones, are left apart', () => {
  assert.equal(isScattered(32, 32), false)
  assert.equal(isScattered(100, 100 * 1024), false)
})

test('many small pieces are scattered', () => {
  assert.equal(isScattered(34, 34), true)
})

test('joined bytes are the same bytes in memory of their own', () => {
  const large = new Uint8Array(1000).map((_, i) => i)
  const pieces = new Uint8ArrayList(large.subarray(0, 3), large.subarray(3, 7))

  assert.deepEqual(joined(pieces), large.slice(0, 7))
  assert.equal(joined(large.subarray(0, 7)).buffer.byteLength, 7)
})
