import assert from 'node:assert/strict'
import { readdirSync, readFileSync, readlinkSync, statSync, unlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { openLevel } from '../level.ts'
import { SetupError } from '../../setup-error.ts'
import { BlobError } from './blob-error.ts'
import { LevelBlobStore, blobFolders } from './blob-store.ts'
import {
  PRIVATE,
  TENANT,
  block,
  blobOf,
  given,
  held,
  noSleep,
  put,
  scratch,
  seeded
} from './blobs.fixture.ts'
import { read } from './store.suite.ts'

const OPTIONS = { now: () => 0, sleep: noSleep }
const rotten = (error: unknown) => error instanceof BlobError && error.code === 'rotten'

test('a finished blob is there after a restart, an unfinished one of no known root is not', async t => {
  const blobs = await given(t)
  const bytes = seeded('kept', 5000)
  const [kept, broken] = [blobOf(bytes), blobOf(seeded('broken', 3_000_000), { leafBytes: 65_536 })]
  await put(blobs.store, kept)
  const upload = await blobs.store.beginPut(TENANT, PRIVATE)
  for (const { id, bytes } of broken.blocks) await upload.write(id, bytes)

  const store = await blobs.reopen()
  await store.gc()

  using lease = await store.open(TENANT, kept.root)
  assert.deepEqual(await read(lease!, kept), bytes)
  assert.equal(await held(store, broken), 0)
  assert.equal((await store.usage(TENANT)).uploadingBytes, 0)
})

test('an upload of a known root goes on after a restart with the blocks it has', async t => {
  const blobs = await given(t)
  const bytes = seeded('resumed', 5000)
  const blob = blobOf(bytes)
  const root = blob.root
  const half = blob.blocks.slice(0, 9)
  const first = await blobs.store.beginPut(TENANT, { ...PRIVATE, root })
  for (const { id, bytes } of half) await first.write(id, bytes)
  const written = first.bytes

  const store = await blobs.reopen()
  await store.gc()
  assert.equal(store.opened.suspended, 1)
  const [partial] = await store.roots.partials(TENANT)
  assert.equal(partial?.bytes, written)
  const second = await store.beginPut(TENANT, { ...PRIVATE, root })
  for (const { id, bytes } of blob.blocks) {
    const has = await second.has(id)
    assert.equal(
      has,
      half.some(one => one.id === id)
    )
    if (has) assert.deepEqual(await second.get(id), Buffer.from(bytes))
    else await second.write(id, bytes)
  }
  await second.finish(root, blob.length)

  using lease = await store.open(TENANT, root)
  assert.deepEqual(await read(lease!, blob), bytes)
  assert.deepEqual(await store.roots.partials(TENANT), [])
  assert.equal((await store.usage(TENANT)).uploadingBytes, 0)
})

test('a suspended upload shows nothing of what others have', async t => {
  const { store } = await given(t)
  const blob = blobOf(seeded('hidden', 2000))
  await put(store, blob, { tenant: 'oslo' })

  const upload = await store.beginPut(TENANT, { ...PRIVATE, root: blob.root })

  for (const { id } of blob.blocks) {
    assert.equal(await upload.has(id), false)
    assert.equal(await upload.get(id), undefined)
  }
})

test('of two uploads of one root at once, both finish', async t => {
  const { store } = await given(t)
  const blob = blobOf(seeded('twice', 3000))
  const options = { ...PRIVATE, root: blob.root }
  const suspended = await store.beginPut(TENANT, options)
  await suspended.write(blob.blocks[0]!.id, blob.blocks[0]!.bytes)
  await suspended.suspend()

  const uploads = [await store.beginPut(TENANT, options), await store.beginPut(TENANT, options)]
  for (const upload of uploads) {
    for (const { id, bytes } of blob.blocks) await upload.write(id, bytes)
    await upload.finish(blob.root, blob.length)
  }
  await store.gc()

  assert.equal(await held(store, blob), blob.blocks.length)
  await store.roots.delete(TENANT, blob.root)
  await store.gc()
  assert.equal(await held(store, blob), 0)
})

test('of two suspended uploads of one root that began at once, one is gone on with and one leaves nothing', async t => {
  const { store } = await given(t)
  const blob = blobOf(seeded('at once', 3000))
  const options = { ...PRIVATE, root: blob.root }
  const [first, second] = [await store.beginPut(TENANT, options), await store.beginPut(TENANT, options)]
  for (const { id, bytes } of blob.blocks.slice(0, 3)) await first.write(id, bytes)
  for (const { id, bytes } of blob.blocks) await second.write(id, bytes)
  await first.suspend()
  await second.suspend()

  await store.gc()

  assert.equal(await held(store, blob), 3)
  assert.equal((await store.roots.partials(TENANT)).length, 1)
  const third = await store.beginPut(TENANT, options)
  assert.equal(await third.has(blob.blocks[2]!.id), true)
  await third.abort()
  await store.gc()
  assert.equal(await held(store, blob), 0)
})

test('a suspended upload that nobody goes on with is collected at its time', async t => {
  const { store, clock } = await given(t, { suspendedMs: 1000 })
  const blob = blobOf(seeded('forgotten', 3000))
  const upload = await store.beginPut(TENANT, { ...PRIVATE, root: blob.root })
  for (const { id, bytes } of blob.blocks) await upload.write(id, bytes)
  await upload.suspend()

  clock.nowMs += 999
  await store.gc()
  assert.equal(await held(store, blob), blob.blocks.length)
  clock.nowMs += 1
  await store.gc()

  assert.equal(await held(store, blob), 0)
  assert.deepEqual(await store.roots.partials(TENANT), [])
})

test("what a purged tenant has goes, pinned or not, and nobody else's", async t => {
  const gone = new Set<string>()
  const { store } = await given(t, { isPurged: tenant => gone.has(tenant) })
  const blobs = Array.from({ length: 130 }, (_, i) => blobOf(seeded(`purged ${i}`, 10)))
  for (const blob of blobs) await put(store, blob, { isPinned: true, class: 'public' })
  const [kept, suspended] = [blobOf(seeded('kept', 3000)), blobOf(seeded('suspended', 3000))]
  await put(store, kept, { tenant: 'oslo' })
  await put(store, kept)
  const upload = await store.beginPut(TENANT, { ...PRIVATE, root: suspended.root })
  for (const { id, bytes } of suspended.blocks) await upload.write(id, bytes)
  await upload.suspend()

  gone.add(TENANT)
  await store.gc()

  assert.deepEqual(await store.usage(TENANT), { bytes: 0, blobs: 0, uploadingBytes: 0 })
  assert.deepEqual(await store.roots.listOf('public'), [])
  assert.equal(await held(store, blobs[0]!), 0)
  assert.equal(await held(store, suspended), 0)
  assert.equal(await held(store, kept), kept.blocks.length)
})

test('a block whose bytes changed on the disk is told of and not served', async t => {
  const blobs = await given(t)
  const blob = blobOf(seeded('rots', 1000))
  await put(blobs.store, blob)
  await blobs.store[Symbol.asyncDispose]()
  const leaf = blob.blocks[1]!
  corrupt(blobs.folder!, leaf.bytes)

  const store = await blobs.reopen()

  using lease = await store.open(TENANT, blob.root)
  await assert.rejects(lease!.get(leaf.id), rotten)
  await assert.rejects(store.blocks.get(leaf.id), rotten)
  assert.deepEqual(await lease!.get(blob.blocks[0]!.id), Buffer.from(blob.blocks[0]!.bytes))
})

test('a node that was read is not read again, a leaf is', async t => {
  const { store, folder } = await given(t)
  const blob = blobOf(seeded('read again', 1000))
  await put(store, blob)
  using lease = await store.open(TENANT, blob.root)
  const node = await lease!.get(blob.root)
  await lease!.get(blob.blocks[0]!.id)

  for (const { bytes } of blob.blocks) corrupt(folder!, bytes)

  assert.equal(blob.root.codec, 'dag-pb')
  assert.deepEqual(await lease!.get(blob.root), node)
  await assert.rejects(lease!.get(blob.blocks[0]!.id), rotten)
})

test('a put of a rotten block makes it sound again', async t => {
  const blobs = await given(t)
  const blob = blobOf(seeded('heals', 1000))
  await put(blobs.store, blob)
  await blobs.store[Symbol.asyncDispose]()
  corrupt(blobs.folder!, blob.blocks[1]!.bytes)
  const store = await blobs.reopen()

  await put(store, blob, { tenant: 'oslo' })

  using lease = await store.open(TENANT, blob.root)
  assert.deepEqual(await lease!.get(blob.blocks[1]!.id), Buffer.from(blob.blocks[1]!.bytes))
})

test('a segment that was cut off is told of, and its blocks are rotten', async t => {
  const blobs = await given(t)
  const blob = blobOf(seeded('cut', 3000))
  await put(blobs.store, blob)
  await blobs.store[Symbol.asyncDispose]()
  const [path] = segmentFiles(blobs.folder!)
  writeFileSync(path!, readFileSync(path!).subarray(0, 400))

  const store = await blobs.reopen()

  assert.deepEqual(store.opened.damagedSegments, [1])
  using lease = await store.open(TENANT, blob.root)
  await assert.rejects(read(lease!, blob), rotten)
  await put(store, blob)
  assert.deepEqual(await read(lease!, blob), seeded('cut', 3000))
  await store.gc()
})

test('a segment that is gone is told of, and the store goes on with a new one', async t => {
  const blobs = await given(t)
  const blob = blobOf(seeded('gone', 3000))
  await put(blobs.store, blob)
  await blobs.store[Symbol.asyncDispose]()
  for (const path of segmentFiles(blobs.folder!)) unlinkSync(path)

  const store = await blobs.reopen()

  assert.deepEqual(store.opened.damagedSegments, [1])
  await put(store, blob)
  using lease = await store.open(TENANT, blob.root)
  assert.deepEqual(await read(lease!, blob), seeded('gone', 3000))
})

test('what lies behind the last row of a segment is cut off, and a segment without a row removed', async t => {
  const blobs = await given(t)
  const { id, bytes } = block('kept')
  await blobs.store.blocks.put(id, bytes)
  await blobs.store[Symbol.asyncDispose]()
  const [path] = segmentFiles(blobs.folder!)
  const { size } = statSync(path!)
  writeFileSync(path!, Buffer.concat([readFileSync(path!), Buffer.from('never acknowledged')]))
  writeFileSync(join(blobFolders(blobs.folder!).segments, '0000002a.blocks'), 'of no row')

  const store = await blobs.reopen()

  assert.deepEqual(segmentFiles(blobs.folder!), [path])
  assert.equal(statSync(path!).size, size)
  assert.deepEqual(await store.blocks.get(id), Buffer.from(bytes))
})

test('gives room back to the file system, beside a reader of what is moved', async t => {
  const blobs = await given(t, { segmentBytes: 16_384 })
  const all = Array.from({ length: 40 }, (_, i) => seeded(`room ${i}`, 3000))
  for (const bytes of all) await put(blobs.store, blobOf(bytes))
  const before = diskBytes(blobs.folder!)
  const kept = all.filter((_, i) => i % 8 === 0)
  for (const bytes of all)
    if (!kept.includes(bytes)) await blobs.store.roots.delete(TENANT, blobOf(bytes).root)
  using lease = await blobs.store.open(TENANT, blobOf(kept[0]!).root)
  const reading = (async () => {
    for (let i = 0; i < 50; i++) assert.deepEqual(await read(lease!, blobOf(kept[0]!)), kept[0])
  })()

  const report = await blobs.store.gc()
  await reading

  assert.ok(diskBytes(blobs.folder!) < 0.4 * before, `${diskBytes(blobs.folder!)} of ${before} bytes`)
  assert.ok(report.freedBytes > 0.5 * before)
  const store = await blobs.reopen()
  for (const bytes of kept) {
    using lease = await store.open(TENANT, blobOf(bytes).root)
    assert.deepEqual(await read(lease!, blobOf(bytes)), bytes)
  }
})

test('a damaged head in a segment hides no block behind it from being moved', async t => {
  const blobs = await given(t, { segmentBytes: 16_384 })
  const all = Array.from({ length: 12 }, (_, i) => seeded(`head ${i}`, 1200))
  for (const bytes of all) await put(blobs.store, blobOf(bytes, { leafBytes: 2048 }))
  // One is left in the first segment, behind the head that is damaged.
  const [kept] = all.slice(7, 8)
  for (const bytes of all.slice(0, 10))
    if (bytes !== kept) await blobs.store.roots.delete(TENANT, blobOf(bytes, { leafBytes: 2048 }).root)
  await blobs.store[Symbol.asyncDispose]()
  const [path] = segmentFiles(blobs.folder!)
  const bytes = readFileSync(path!)
  bytes[0]! ^= 1
  writeFileSync(path!, bytes)

  const store = await blobs.reopen()
  await put(store, blobOf(seeded('next segment', 15_000)))
  await store.gc()

  assert.equal(segmentFiles(blobs.folder!).includes(path!), false)
  const blob = blobOf(kept!, { leafBytes: 2048 })
  using lease = await store.open(TENANT, blob.root)
  assert.deepEqual(await read(lease!, blob), kept)
})

const LOOKS_INTO_PROC = { skip: process.platform !== 'linux' && 'looks at /proc/self/fd' }

test('many segments are read at once with few files open', LOOKS_INTO_PROC, async t => {
  const { store, folder } = await given(t, { segmentBytes: 1 })
  const blobs = Array.from({ length: 150 }, (_, i) => block(`segment ${i}`))
  await Promise.all(blobs.map(({ id, bytes }) => store.blocks.put(id, bytes)))
  for (const { id, bytes } of blobs) await store.blocks.put(id, bytes)
  assert.ok(segmentFiles(folder!).length > 100)

  for (let round = 0; round < 3; round++) {
    const found = await Promise.all(blobs.map(({ id }) => store.blocks.get(id)))
    assert.deepEqual(
      found,
      blobs.map(({ bytes }) => Buffer.from(bytes))
    )
  }

  const open = readdirSync('/proc/self/fd').filter(fd => linkOf(fd).startsWith(`${folder}/segments/`))
  assert.ok(open.length <= 65, `${open.length} files are open`)
})

test('a store of a newer format is refused, with the words what to do', async t => {
  const folder = scratch(t)
  await using _store = await LevelBlobStore.open(folder, OPTIONS)
  await _store[Symbol.asyncDispose]()
  const level = await openLevel(blobFolders(folder).index)
  await level.put('format', Buffer.from('2'))
  await level.close()

  await assert.rejects(
    LevelBlobStore.open(folder, OPTIONS),
    (error: unknown) => error instanceof SetupError && error.reason === 'newerFormat'
  )
})

test('two processes cannot have one store open', async t => {
  const { folder } = await given(t)

  await assert.rejects(
    LevelBlobStore.open(folder!, OPTIONS),
    (error: unknown) => error instanceof SetupError && error.reason === 'inUse'
  )
})

test('one who opens a store of which the rows are damaged gets no wrong bytes', async t => {
  const blobs = await given(t)
  const blob = blobOf(seeded('row', 700))
  await put(blobs.store, blob)
  await blobs.store[Symbol.asyncDispose]()
  const level = await openLevel(blobFolders(blobs.folder!).index)
  const key = `b${Buffer.from(blob.blocks[0]!.id.digest).toString('hex')}`
  const row = Buffer.from((await level.get(key))!)
  row[8]! ^= 1
  await level.put(key, row)
  await level.close()

  const store = await blobs.reopen()

  using lease = await store.open(TENANT, blob.root)
  await assert.rejects(lease!.get(blob.blocks[0]!.id), rotten)
})

function linkOf(fd: string): string {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`)
  } catch {
    return ''
  }
}

function segmentFiles(folder: string): readonly string[] {
  const { segments } = blobFolders(folder)
  return readdirSync(segments)
    .sort()
    .map(name => join(segments, name))
}

const diskBytes = (folder: string): number =>
  segmentFiles(folder).reduce((sum, path) => sum + statSync(path).size, 0)

/** Changes one bit of bytes that lie somewhere in the segments. */
function corrupt(folder: string, bytes: Uint8Array): void {
  for (const path of segmentFiles(folder)) {
    const all = readFileSync(path)
    const at = all.indexOf(bytes)
    if (at === -1) continue
    all[at + 5]! ^= 1
    writeFileSync(path, all)
    return
  }
  throw new Error('these bytes are in no segment')
}
