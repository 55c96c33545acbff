import assert from 'node:assert/strict'
import { readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { LevelBlobStore, blobFolders } from '../stores/blobs/index.ts'
import type { ScrubFinding, ScrubReport } from '../stores/blobs/index.ts'
import { block, blobOf, noSleep, put, scratch, seeded } from '../stores/blobs/blobs.fixture.ts'
import { Scrubs } from './scrubs.ts'

const CALL = {} as never

test('a round hashes all there is, slowly, and then rests', async t => {
  const { store, slept } = await stored(t)
  const stop = new AbortController()
  const ended: ScrubReport[] = []
  const scrubs = new Scrubs({
    store: () => store,
    sleep: async ms => {
      assert.equal(ms, 24 * 3_600_000)
      stop.abort()
      await Promise.resolve()
    },
    found: () => assert.fail('nothing has rotted'),
    ended: report => ended.push(report),
    failed: error => assert.fail(error as Error)
  })

  await scrubs.keep(store, stop.signal)

  assert.equal(ended.length, 1)
  assert.ok(ended[0]!.blocks > 64)
  assert.equal(scrubs.blocks, ended[0]!.blocks)
  assert.equal(scrubs.round, 1)
  // 1 KiB a second is the least.
  assert.ok(slept.ms > 5000, `${slept.ms} ms`)
})

test('an operator asks for a scrub, asks how far it is, and is told what has rotted', async t => {
  const rotten = block(seeded('rots', 300))
  const { store } = await stored(t, rotten)
  const found: ScrubFinding[] = []
  const done = Promise.withResolvers<ScrubReport>()
  const scrubs = new Scrubs({
    store: () => store,
    sleep: noSleep,
    found: finding => found.push(finding),
    ended: report => done.resolve(report),
    failed: error => done.reject(error)
  })
  const before = await scrubs.admin.blob_scrub({}, CALL)

  const begun = await scrubs.admin.blob_scrub({ begin: true }, CALL)
  const again = await scrubs.admin.blob_scrub({ begin: true }, CALL)
  const report = await done.promise
  await Promise.resolve()
  const after = await scrubs.admin.blob_scrub({}, CALL)

  assert.deepEqual([before.running, begun.running, again.running, after.running], [false, true, true, false])
  assert.deepEqual([before.done_ppm, after.done_ppm], [0, 1_000_000])
  assert.equal(after.blocks, report.blocks)
  assert.equal(after.rotten, 1)
  assert.deepEqual(
    after.found.map(({ sha256, repaired }) => [sha256, repaired]),
    [[Buffer.from(rotten.id.digest).toString('hex'), false]]
  )
  assert.equal(found.length, 1)
})

test('a scrub that cannot go on is told of, and another may begin', async t => {
  const { store } = await stored(t)
  const failures: unknown[] = []
  const scrubs = new Scrubs({
    store: () => store,
    sleep: noSleep,
    found: () => undefined,
    ended: () => undefined,
    failed: error => failures.push(error)
  })
  await store[Symbol.asyncDispose]()

  await scrubs.admin.blob_scrub({ begin: true }, CALL)
  await new Promise<void>(turn => setImmediate(turn))

  assert.equal(failures.length, 1)
  assert.equal((await scrubs.admin.blob_scrub({}, CALL)).running, false)
})

/** A store with some blobs, of which one block may have rotted. */
async function stored(t: TestContext, rotten?: ReturnType<typeof block>) {
  const folder = scratch(t)
  const slept = { ms: 0 }
  const sleep = (ms: number, signal?: AbortSignal): Promise<void> => {
    slept.ms += ms
    return noSleep(ms, signal)
  }
  const open = (): Promise<LevelBlobStore> => LevelBlobStore.open(folder, { now: () => 0, sleep })
  const first = await open()
  await put(first, blobOf(seeded('some', 20_000)))
  if (rotten !== undefined) await first.blocks.put(rotten.id, rotten.bytes)
  await first[Symbol.asyncDispose]()
  const { segments } = blobFolders(folder)
  for (const name of rotten === undefined ? [] : readdirSync(segments)) {
    const bytes = readFileSync(join(segments, name))
    bytes[bytes.indexOf(rotten!.bytes)]! ^= 1
    writeFileSync(join(segments, name), bytes)
  }
  const store = await open()
  t.after(() => store[Symbol.asyncDispose]())
  return { store, slept }
}
