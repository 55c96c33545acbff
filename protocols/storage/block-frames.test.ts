import assert from 'node:assert/strict'
import { test } from 'node:test'
import { blockChunks, framedBlocks } from './block-frames.ts'
import { lengthPrefixed, patterned } from './blob.fixture.ts'

const LEAF = 65_536

async function* sources(...blocks: readonly Uint8Array[]): AsyncGenerator<{ readonly bytes: Uint8Array }> {
  for (const bytes of blocks) yield { bytes }
}

async function chunks(chunkBytes: number, ...blocks: readonly Uint8Array[]) {
  const all: { readonly head: Uint8Array; readonly body: Uint8Array }[] = []
  for await (const chunk of blockChunks(sources(...blocks), chunkBytes)) all.push(chunk)
  return all
}

const joined = (parts: readonly { readonly head: Uint8Array; readonly body: Uint8Array }[]): Buffer =>
  Buffer.concat(parts.flatMap(({ head, body }) => [head, body]))

test('every chunk but the last is full, and bodies are views of the blocks', async () => {
  const leaves = Array.from({ length: 20 }, () => patterned(LEAF))

  const all = await chunks(LEAF, ...leaves)

  assert.ok(joined(all).equals(Buffer.concat(leaves.map(lengthPrefixed))))
  for (const { head, body } of all.slice(0, -1)) {
    assert.equal(head.length + body.length, LEAF)
    assert.ok(leaves.some(({ buffer }) => buffer === body.buffer))
  }
  const copied = all.reduce((sum, { head }) => sum + head.length, 0)
  assert.ok(copied < 20 * 100, `${copied} bytes were copied`)
})

test('what is left over of blocks never grows beyond a bound', async () => {
  const leaves = Array.from({ length: 1100 }, () => new Uint8Array(1000))

  const all = await chunks(1000, ...leaves)

  assert.ok(joined(all).equals(Buffer.concat(leaves.map(lengthPrefixed))))
  assert.ok(all.every(({ head, body }) => head.length <= 1000 && head.length + body.length <= 1000))
})

test('small blocks stand together in a chunk', async () => {
  const small = Array.from({ length: 100 }, (_, n) => patterned(n % 7))

  const all = await chunks(LEAF, ...small)

  assert.ok(joined(all).equals(Buffer.concat(small.map(lengthPrefixed))))
  assert.equal(all.length, 1)
})

for (const chunkBytes of [4, 5, 64, 4096, 4097, LEAF]) {
  test(`chunks of ${chunkBytes} bytes at most hold the same bytes, in two parts or one`, async () => {
    const blocks = [0, 1, 3, 4090, 4096, 4097, 5000, 0, 70_000].map(patterned)

    const all = await chunks(chunkBytes, ...blocks)
    const whole: Uint8Array[] = []
    for await (const chunk of framedBlocks(sources(...blocks), chunkBytes)) whole.push(chunk)

    const expected = Buffer.concat(blocks.map(lengthPrefixed))
    assert.ok(joined(all).equals(expected))
    assert.ok(Buffer.concat(whole).equals(expected))
    assert.ok(whole.every(({ length }) => length > 0 && length <= chunkBytes))
  })
}

test('what is handed on stays as it is when more follows', async () => {
  const seen: Buffer[] = []
  const kept: { readonly head: Uint8Array; readonly body: Uint8Array }[] = []
  for await (const chunk of blockChunks(sources(...[100, 9000, 3, 9000].map(patterned)), 5000)) {
    seen.push(Buffer.from(joined([chunk])))
    kept.push(chunk)
  }

  assert.ok(joined(kept).equals(Buffer.concat(seen)))
})
