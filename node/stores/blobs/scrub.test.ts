import assert from 'node:assert/strict'
import { readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { blobFolders } from './blob-store.ts'
import { block, blobOf, given, noSleep, put, seeded } from './blobs.fixture.ts'
import type { Block } from './blobs.fixture.ts'
import type { ScrubFinding, ScrubProgress } from './types.ts'

test('a scrub of sound blocks hashes all of them and says how far it is', async t => {
  const { store } = await given(t)
  const blob = blobOf(seeded('sound', 20_000))
  await put(store, blob)
  const heard: ScrubProgress[] = []

  const report = await store.scrub({ onProgress: progress => heard.push(progress) })

  assert.deepEqual([report.blocks, report.rotten, report.done], [blob.blocks.length, 0, 1])
  assert.ok(heard.length > 3)
  assert.deepEqual(
    heard.map(({ done }) => done),
    heard.map(({ done }) => done).sort((a, b) => a - b)
  )
})

test('a scrub finds what has rotted, and mends it where somebody has the bytes', async t => {
  const blobs = await given(t)
  const blob = blobOf(seeded('rots', 5000))
  await put(blobs.store, blob)
  const [mended, lost] = [blob.blocks[3]!, blob.blocks[7]!]
  await blobs.store[Symbol.asyncDispose]()
  rot(blobs.folder!, mended, lost)
  const store = await blobs.reopen()
  const findings: ScrubFinding[] = []

  const report = await store.scrub({
    fetch: ({ digest }) => Promise.resolve(same(digest, mended) ? mended.bytes : undefined),
    onFinding: finding => findings.push(finding)
  })

  assert.deepEqual([report.rotten, report.repaired], [2, 1])
  assert.deepEqual(report.findings, findings)
  assert.equal(findings.find(({ id }) => same(id.digest, lost))?.isRepaired, false)
  assert.deepEqual(await store.blocks.get(mended.id), Buffer.from(mended.bytes))
  assert.equal((await store.scrub({ fromStart: true })).rotten, 1)
})

test('bytes that do not have the digest, and a fetch that fails, mend nothing', async t => {
  const blobs = await given(t)
  const { id, bytes } = block(seeded('liar', 500))
  await blobs.store.blocks.put(id, bytes)
  await blobs.store[Symbol.asyncDispose]()
  rot(blobs.folder!, { id, bytes })
  const store = await blobs.reopen()

  const lied = await store.scrub({ fetch: () => Promise.resolve(Buffer.from('a lie')) })
  const failed = await store.scrub({ fetch: () => Promise.reject(new Error('nobody answers')) })

  assert.deepEqual([lied.repaired, failed.repaired], [0, 0])
  assert.deepEqual([lied.rotten, failed.rotten], [1, 1])
})

test('a scrub that was broken off goes on after a restart, and then begins anew', async t => {
  const blobs = await given(t)
  const blob = blobOf(seeded('long', 20_000))
  await put(blobs.store, blob)
  const stop = new AbortController()
  let first = 0
  await assert.rejects(
    blobs.store.scrub({
      signal: stop.signal,
      onProgress: ({ blocks }) => {
        first = blocks
        stop.abort()
      }
    }),
    { name: 'AbortError' }
  )

  const store = await blobs.reopen()
  const rest = await store.scrub()
  const anew = await store.scrub()

  assert.equal(first + rest.blocks, blob.blocks.length)
  assert.equal(anew.blocks, blob.blocks.length)
})

test('a scrub reads no more bytes a second than it may', async t => {
  let sleptMs = 0
  const sleep = (ms: number, signal?: AbortSignal): Promise<void> => {
    sleptMs += ms
    return noSleep(ms, signal)
  }
  const { store } = await given(t, { sleep })
  await put(store, blobOf(seeded('slow', 64 * 256)))

  const { bytes } = await store.scrub({ bytesPerSecond: 1000 })

  // After the last piece there is nothing to wait for.
  assert.ok(sleptMs > (bytes - 16 * 256) * 0.9, `${sleptMs} ms for ${bytes} bytes`)
})

const same = (digest: Uint8Array, { id }: Block): boolean => Buffer.from(digest).equals(id.digest)

function rot(folder: string, ...blocks: readonly Block[]): void {
  const { segments } = blobFolders(folder)
  for (const name of readdirSync(segments)) {
    const all = readFileSync(join(segments, name))
    for (const { bytes } of blocks) {
      const at = all.indexOf(bytes)
      if (at !== -1) all[at + 7]! ^= 4
    }
    writeFileSync(join(segments, name), all)
  }
}
