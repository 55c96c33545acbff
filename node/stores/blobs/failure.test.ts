import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { ClassicLevel } from 'classic-level'
import { openLevel } from '../level.ts'
import type { Level } from '../level.ts'
import { BlobError } from './blob-error.ts'
import type { BlobErrorCode } from './blob-error.ts'
import type { Place } from './block-row.ts'
import { PRIVATE, TENANT, block, blobOf, given, put, seeded } from './blobs.fixture.ts'
import { FileDisk } from './file-disk.ts'
import { BlockReader } from './reading.ts'
import type { Rows } from './rows.ts'
import { MemoryDisk } from './segment-disk.ts'
import { Segments } from './segments.ts'
import { Writer } from './writer.ts'

const code = (expected: BlobErrorCode) => (error: unknown) =>
  error instanceof BlobError && error.code === expected

const noRoom = (): Error => Object.assign(new Error('no space left on device'), { code: 'ENOSPC' })

test('on a full disk nothing is kept, and once there is room again the store goes on', async t => {
  const { store } = await given(t)
  const blob = blobOf(seeded('full', 3000))
  const full = t.mock.method(FileDisk.prototype, 'append', () => Promise.reject(noRoom()))

  await assert.rejects(put(store, blob), code('disk_full'))
  await assert.rejects(store.blocks.put(blob.root, blob.blocks.at(-1)!.bytes), code('disk_full'))
  full.mock.restore()

  assert.equal(store.failure, undefined)
  assert.deepEqual(await store.usage(TENANT), { bytes: 0, blobs: 0, uploadingBytes: 0 })
  assert.equal(await store.blocks.has(blob.root), false)
  await put(store, blob)
})

test('an upload that met a full disk says so each time, and can be aborted', async t => {
  const { store } = await given(t)
  const blob = blobOf(seeded('big', 3_000_000), { leafBytes: 65_536 })
  const upload = await store.beginPut(TENANT, PRIVATE)
  t.mock.method(FileDisk.prototype, 'append', () => Promise.reject(noRoom()))
  const writeAll = async (): Promise<void> => {
    for (const { id, bytes } of blob.blocks) await upload.write(id, bytes)
  }

  await assert.rejects(writeAll(), code('disk_full'))
  await assert.rejects(upload.finish(blob.root, blob.length), code('disk_full'))
  await upload.abort()

  assert.equal((await store.usage(TENANT)).uploadingBytes, 0)
})

test('after rows could not be written, all that follows fails', async t => {
  const { level, writer } = await parts(t)
  const broken = t.mock.method(level, 'batch', () => Promise.reject(noRoom()))

  await assert.rejects(writer.commit(putting('a')), code('disk_full'))
  broken.mock.restore()

  await assert.rejects(writer.commit(putting('b')), code('disk_full'))
  assert.notEqual(writer.failure, undefined)
})

test('an upload that ends with its store tells why it failed, and not that it cannot be ended', async t => {
  const { store } = await given(t)
  const blob = blobOf(seeded('ends', 3_000_000), { leafBytes: 65_536 })
  const broken = t.mock.method(ClassicLevel.prototype, 'batch', () => Promise.reject(noRoom()))

  await assert.rejects(put(store, blob), code('disk_full'))

  assert.notEqual(store.failure, undefined)
  broken.mock.restore()
})

test('a change that is refused takes no other along', async t => {
  const { level, writer } = await parts(t)
  const refused = {
    ...putting('refused'),
    apply() {
      throw new BlobError('bad_dag', 'no')
    }
  }

  const [first, second, third] = await Promise.allSettled([
    writer.commit(putting('a')),
    writer.commit(refused),
    writer.commit(putting('c'))
  ])

  assert.deepEqual(
    [first, second, third].map(one => one.status),
    ['fulfilled', 'rejected', 'fulfilled']
  )
  assert.deepEqual(await level.keys({ gte: 'b', lt: 'c' }).all(), ['a', 'c'].map(keyOf).sort())
})

test('a reader finds a block that was moved while it read', async t => {
  const { writer, disk, reader } = await parts(t)
  const { id, bytes } = block('moves')
  await writer.commit(putting('moves'))
  movingMeanwhile(t, disk, () => writer.commit(putting('moves')))

  assert.deepEqual(await reader.get(id), Buffer.from(bytes))
})

test('a block whose segment is gone is told of, and not looked for forever', async t => {
  const { writer, disk, reader } = await parts(t)
  await writer.commit(putting('gone'))
  movingMeanwhile(t, disk, () => Promise.resolve())

  await assert.rejects(reader.get(block('gone').id), code('rotten'))
})

test('a process that lacks open files does not take its blocks for rotten', async t => {
  const { writer, disk, reader } = await parts(t)
  await writer.commit(putting('sound'))
  const tooMany = Object.assign(new Error('too many open files'), { code: 'EMFILE' })
  const lacking = t.mock.method(disk, 'read', () => Promise.reject(tooMany))

  await assert.rejects(reader.get(block('sound').id), { code: 'EMFILE' })
  lacking.mock.restore()
  t.mock.method(disk, 'read', () => Promise.reject(Object.assign(new Error('i/o error'), { code: 'EIO' })))

  await assert.rejects(reader.get(block('sound').id), code('rotten'))
})

/** The first segment goes while it is about to be read, after `first`. */
function movingMeanwhile(t: TestContext, disk: MemoryDisk, first: () => Promise<unknown>): void {
  const read = disk.read.bind(disk)
  const moving = t.mock.method(disk, 'read', async (...where: Parameters<MemoryDisk['read']>) => {
    moving.mock.restore()
    await first()
    await disk.remove(1)
    return await read(...where)
  })
}

async function parts(t: TestContext) {
  const level: Level = await openLevel('memory')
  const disk = new MemoryDisk()
  const segments = new Segments(disk, new Map(), { segmentBytes: 1 })
  t.after(() => level.close())
  return { level, disk, writer: new Writer(level, segments), reader: new BlockReader(level, segments) }
}

const keyOf = (text: string): string => `b${Buffer.from(block(text).id.digest).toString('hex')}`

function putting(text: string) {
  const { id, bytes } = block(text)
  const hex = keyOf(text).slice(1)
  return {
    records: [{ digest: id.digest, bytes }],
    keys: [keyOf(text)],
    apply(rows: Rows, [place]: readonly Place[]) {
      rows.point(hex, id.codec, place!)
      rows.hold(hex)
    }
  }
}
