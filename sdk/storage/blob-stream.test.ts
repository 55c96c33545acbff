import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import { cidOf, framedBlocks } from '../../protocols/index.ts'
import { LinkError } from '../index.ts'
import { BlobStream } from './blob-stream.ts'
import type { ByteSpan, OpenBlob } from './blob-stream.ts'

const BYTES = Buffer.from('hello, world')
const CID = cidOf('raw', createHash('sha256').update(BYTES).digest())

/** What a node sends whose head is changed so; its blocks are good. */
function streamOf(head: Partial<OpenBlob['head']>, range: ByteSpan = {}): BlobStream {
  const offset = range.offset ?? 0
  const total = BYTES.length
  const length = Math.min(range.length ?? Infinity, total - offset)
  return new BlobStream({
    cid: CID,
    first: {
      head: { offset, length, total_len: total, ...head },
      body: framedBlocks(blocks()),
      corrId: undefined
    },
    range,
    open: () => assert.fail('nothing was lost'),
    sha256: () => createHash('sha256'),
    retries: 0
  })
}

async function* blocks(): AsyncGenerator<{ readonly bytes: Uint8Array }> {
  yield { bytes: BYTES }
}

const isLie = (error: unknown): boolean =>
  error instanceof LinkError && (error as Error & { readonly code?: string }).code === 'bad_head'

for (const [what, head, range] of [
  ['more bytes than the blob has', { length: 1000 }, {}],
  ['fewer', { length: 3 }, {}],
  ['none', { length: 0 }, {}],
  ['more than the range', { length: 6 }, { offset: 2, length: 5 }],
  ['another beginning', { offset: 0 }, { offset: 2, length: 5 }],
  ['another length of the blob', { total_len: 13 }, {}]
] satisfies [string, Partial<OpenBlob['head']>, ByteSpan][]) {
  test(`a head that promises ${what} is a lie, whatever proved bytes come`, async () => {
    await assert.rejects(streamOf(head, range).bytes(), isLie)
    await assert.rejects(async () => {
      for await (const _ of streamOf(head, range));
    }, isLie)
  })
}

test('a head that promises what comes is believed', async () => {
  assert.deepEqual(Buffer.from(await streamOf({}).bytes()), BYTES)
  assert.equal(await streamOf({}, { offset: 7 }).text(), 'world')
  assert.equal(await streamOf({}, { offset: 7, length: 99 }).text(), 'world')
  assert.equal(await streamOf({}, { offset: 1, length: 2 }).text(), 'el')
})
