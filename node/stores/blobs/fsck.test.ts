import assert from 'node:assert/strict'
import { readFileSync, readdirSync, unlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { ClassicLevel } from 'classic-level'
import { openLevel } from '../level.ts'
import type { Level } from '../level.ts'
import { sealedJson } from '../mailbox/seal.ts'
import { SetupError } from '../../setup-error.ts'
import { decodeBlockRow, encodeBlockRow } from './block-row.ts'
import { blobFolders } from './blob-store.ts'
import { PRIVATE, TENANT, block, blobOf, given, put, scratch, seeded } from './blobs.fixture.ts'
import type { Blob, Given } from './blobs.fixture.ts'
import { fsckBlobs } from './fsck.ts'
import type { BlobProblemKind } from './fsck.ts'
import { blockKey, hexOf, rootKey, segmentKey, sharedKey, usageKey } from './keys.ts'

test('finds nothing wrong with a store after work of all kinds', async t => {
  const blobs = await given(t, { segmentBytes: 16_384 })
  await work(blobs)
  const heard: number[] = []

  const before = await fsckBlobs(blobs.folder!, { progress: done => heard.push(done) })
  const store = await blobs.reopen()
  await store.gc()
  await store[Symbol.asyncDispose]()
  const after = await fsckBlobs(blobs.folder!)

  assert.deepEqual([before.problems, after.problems], [[], []])
  assert.deepEqual([before.roots, before.uploads], [5, 2])
  assert.ok(after.blocks < before.blocks)
  assert.deepEqual(heard.at(-1), before.blocks)
})

type Break = (level: Level, blob: Blob, folder: string) => Promise<void>

const at = (blob: Blob, i: number): string => hexOf(blob.blocks.at(i)!.id.digest)

async function changeBlock(level: Level, hex: string, change: object): Promise<void> {
  const key = blockKey(hex)
  const row = decodeBlockRow(key, (await level.get(key))!)
  assert.ok(typeof row !== 'string')
  await level.put(key, encodeBlockRow(key, { ...row, ...change }))
}

const BREAKS: Readonly<Record<string, readonly [BlobProblemKind, Break]>> = {
  'a block whose row is gone': ['missing_block', (level, blob) => level.del(blockKey(at(blob, 0)))],
  'a root whose first block is gone': ['broken_root', (level, blob) => level.del(blockKey(at(blob, -1)))],
  'a root that is not whole': [
    'broken_root',
    (level, blob) => changeBlock(level, at(blob, -1), { isWhole: false })
  ],
  'a block that counts too few holds': [
    'wrong_count',
    (level, blob) => changeBlock(level, at(blob, 1), { holds: 0 })
  ],
  'a block that nothing holds and nobody collects': [
    'stray_block',
    (level, blob) => changeBlock(level, at(blob, 1), { holds: 0 })
  ],
  'a row that decayed': [
    'damaged_row',
    (level, blob) => level.put(blockKey(at(blob, 2)), Buffer.from('no row of a block'))
  ],
  'a tenant with a wrong sum': [
    'wrong_count',
    level => level.put(usageKey(TENANT), sealedJson(usageKey(TENANT), { bytes: 1, blobs: 1, uploading: 0 }))
  ],
  'a segment with a wrong sum': [
    'wrong_count',
    level => level.put(segmentKey(1), sealedJson(segmentKey(1), { bytes: 9000, live: 1 }))
  ],
  'a root that is said to be shared': [
    'wrong_class',
    (level, { root }) =>
      level.put(
        sharedKey('federated', root),
        sealedJson(sharedKey('federated', root), { tenants: 1, length: 1 })
      )
  ],
  'a shared root without the row that says so': [
    'wrong_class',
    (level, { root }) => level.del(sharedKey('public', root))
  ],
  'a root that cannot be read': [
    'damaged_row',
    (level, { root }) => level.put(rootKey(TENANT, root), Buffer.from('x'))
  ],
  'a block that rotted': [
    'rotten_block',
    async (_level, blob, folder) => {
      const path = segments(folder)[0]!
      const bytes = readFileSync(path)
      bytes[bytes.indexOf(blob.blocks[0]!.bytes) + 3]! ^= 1
      writeFileSync(path, bytes)
      await Promise.resolve()
    }
  ],
  'a segment that is gone': [
    'damaged_segment',
    async (_level, _blob, folder) => {
      unlinkSync(segments(folder)[0]!)
      await Promise.resolve()
    }
  ]
}

for (const [what, [kind, breakIt]] of Object.entries(BREAKS))
  test(`finds ${what}`, async t => {
    const blobs = await given(t)
    const blob = blobOf(seeded('checked', 3000))
    await put(blobs.store, blob, { class: 'public' })
    await blobs.store[Symbol.asyncDispose]()
    const level = await openLevel(blobFolders(blobs.folder!).index)
    await breakIt(level, blob, blobs.folder!)
    await level.close()

    const { problems, found } = await fsckBlobs(blobs.folder!)

    assert.ok(
      problems.some(problem => problem.kind === kind),
      JSON.stringify(problems)
    )
    assert.equal(found, problems.length)
  })

test('says what LevelDB itself cannot read, and checks the rest', async t => {
  const blobs = await given(t)
  await put(blobs.store, blobOf(seeded('unreadable', 3000)))
  await blobs.store[Symbol.asyncDispose]()
  const whole = ClassicLevel.prototype as unknown as {
    readonly iterator: (this: Level, range: object) => unknown
  }
  const { iterator } = whole
  t.mock.method(ClassicLevel.prototype, 'iterator', function (this: Level, range: { gte?: string }) {
    if (range.gte?.startsWith('t') !== true) return iterator.call(this, range)
    throw Object.assign(new Error('checksum mismatch'), { code: 'LEVEL_CORRUPTION' })
  })

  const { problems, blocks } = await fsckBlobs(blobs.folder!)

  assert.deepEqual(
    problems.map(({ kind, subject }) => [kind, subject]),
    [
      ['damaged_index', 'roots and tenants'],
      ['damaged_index', 'what holds the blocks']
    ]
  )
  assert.ok(blocks > 3)
})

test('says where no blobs are, and that a node has them open', async t => {
  const { folder } = await given(t)

  await assert.rejects(
    fsckBlobs(scratch(t)),
    (error: unknown) => error instanceof SetupError && error.reason === 'noInput'
  )
  await assert.rejects(
    fsckBlobs(folder!),
    (error: unknown) => error instanceof SetupError && error.reason === 'inUse'
  )
})

/** Leaves roots, garbage, loose blocks, a suspended upload and one that was cut off; and closes the store. */
async function work({ store }: Given): Promise<void> {
  const all = Array.from({ length: 6 }, (_, i) => blobOf(seeded(`work ${i % 4}`, 3000)))
  for (const [i, blob] of all.entries())
    await put(store, blob, { tenant: `t${i}`, class: i % 2 === 0 ? 'public' : 'private' })
  await put(store, blobOf(Buffer.alloc(5000)))
  await store.roots.delete('t0', all[0]!.root)
  await store.roots.delete('t1', all[1]!.root)
  for (const text of ['loose', 'gone']) await store.blocks.put(block(text).id, block(text).bytes)
  await store.blocks.delete(block('gone').id)
  const suspended = blobOf(seeded('suspended', 3000))
  const upload = await store.beginPut(TENANT, { ...PRIVATE, root: suspended.root })
  for (const { id, bytes } of suspended.blocks.slice(0, -1)) await upload.write(id, bytes)
  await upload.suspend()
  const half = await store.beginPut('t9', { ...PRIVATE, root: suspended.root })
  for (const { id, bytes } of suspended.blocks) await half.write(id, bytes)
  await assert.rejects(half.finish(suspended.root, 1))
  await half.suspend()
  await store[Symbol.asyncDispose]()
}

function segments(folder: string): readonly string[] {
  const { segments: path } = blobFolders(folder)
  return readdirSync(path)
    .sort()
    .map(name => join(path, name))
}
