import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BulkGarbage } from './bulk-garbage.ts'

const FRAME = 65_536

test('young garbage is collected once for every 2 MiB of large frames, and never for small ones', () => {
  const kinds: string[] = []
  const garbage = new BulkGarbage(({ type }) => kinds.push(type))

  for (let n = 0; n < 10_000; n++) garbage.passed(16_383)
  assert.deepEqual(kinds, [])
  for (let n = 0; n < 31; n++) garbage.passed(FRAME)
  assert.deepEqual(kinds, [])
  for (let n = 0; n < 33; n++) garbage.passed(FRAME)
  assert.deepEqual(kinds, ['minor', 'minor'])
})

test('buffers of a long transfer are freed while it goes on, and the process gets no gc', () => {
  const garbage = new BulkGarbage()
  const most = { bytes: 0 }
  let last: Uint8Array | undefined
  const before = process.memoryUsage().arrayBuffers

  for (let n = 0; n < 512; n++) {
    last = new Uint8Array(FRAME)
    garbage.passed(FRAME)
    most.bytes = Math.max(most.bytes, process.memoryUsage().arrayBuffers - before)
  }

  assert.equal(last?.length, FRAME)
  assert.ok(most.bytes < 8 * 1_048_576, `${most.bytes} bytes were kept of 32 MiB`)
  assert.equal(globalThis.gc, undefined)
})
