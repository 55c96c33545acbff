import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { MemoryLevel } from 'memory-level'
import { openLevel } from '../level.ts'
import { START_MS, TENANT, blobOf, given, held, noSleep, put, seeded } from './blobs.fixture.ts'
import { compact } from './compact.ts'
import type { CollectParts } from './collect.ts'
import { KIND } from './keys.ts'
import { Pace } from './pace.ts'
import { Rows } from './rows.ts'
import { MemoryDisk } from './segment-disk.ts'
import { Segments } from './segments.ts'
import type { Upload } from './types.ts'
import type { Change } from './writer.ts'

interface Read {
  all(): Promise<unknown>
}

type ReadsMany = (this: unknown, keys: readonly string[]) => Promise<unknown>
type Reads = (this: unknown, range: { readonly gt?: string }) => Read

/** `change` happens once, between reading which roots are due and taking them away. */
function onceDueIsRead(t: TestContext, change: () => Promise<unknown>): void {
  const level = MemoryLevel.prototype as unknown as { keys: Reads }
  const { keys } = level
  let isDone = false
  t.mock.method(level, 'keys', function (this: unknown, range: { readonly gt?: string }): Read {
    const read = Reflect.apply(keys, this, [range])
    if (isDone || range.gt?.startsWith(KIND.expiry) !== true) return read
    isDone = true
    const all = async (): Promise<unknown> => {
      const found = await read.all()
      await change()
      return found
    }
    return { all }
  })
}

for (const [what, change] of [
  ['pinned', ({ store }, { root }) => store.roots.pin(TENANT, root)],
  ['put again without an end', ({ store }, blob) => put(store, blob)],
  ['put again with a later one', ({ store }, blob) => put(store, blob, { expiresAtMs: START_MS + 1000 })],
  [
    'given a later one',
    ({ store }, { root }) => store.roots.unpin(TENANT, root, { expiresAtMs: START_MS + 1000 })
  ]
] satisfies [
  string,
  (made: Awaited<ReturnType<typeof given>>, blob: ReturnType<typeof blobOf>) => Promise<unknown>
][]) {
  test(`a root that is ${what} while those that are due are collected stays`, async t => {
    const made = await given(t, { inMemory: true })
    const blob = blobOf(seeded('due', 600))
    await put(made.store, blob, { expiresAtMs: START_MS + 1 })
    made.clock.nowMs += 10
    onceDueIsRead(t, () => change(made, blob))

    await made.store.gc()

    assert.equal((await made.store.roots.stat(TENANT, blob.root))?.length, 600)
    assert.equal(await held(made.store, blob), blob.blocks.length)
  })
}

test('an old upload that is gone on with while such are forgotten is not', async t => {
  const { store, clock } = await given(t, { inMemory: true, suspendedMs: 1000 })
  const { root, blocks, length } = blobOf(seeded('gone on with', 600))
  const [first, ...rest] = blocks
  const begin = () => store.beginPut(TENANT, { class: 'private', root })
  const broken = await begin()
  await broken.write(first!.id, first!.bytes)
  await broken.suspend()
  clock.nowMs += 2000
  let again: Upload | undefined
  const level = MemoryLevel.prototype as unknown as { getMany: ReadsMany }
  const { getMany } = level
  t.mock.method(level, 'getMany', async function (this: unknown, keys: readonly string[]) {
    const found = await Reflect.apply(getMany, this, [keys])
    if (again === undefined && keys.some(key => key.startsWith(KIND.upload))) again = await begin()
    return found
  })

  await store.gc()
  for (const { id, bytes } of rest) await again!.write(id, bytes)
  await again!.finish(root, length)
  await store.gc()

  assert.equal(await held(store, { root, blocks, length }), blocks.length)
  assert.equal((await store.usage(TENANT)).uploadingBytes, 0)
})

test('a segment is not removed into which the last blocks came while it was found empty', async () => {
  const disk = new MemoryDisk()
  const counts = new Map([
    [1, { bytes: 100, live: 0 }],
    [2, { bytes: 10, live: 10 }]
  ])
  await disk.append(1, 0, [new Uint8Array(150)])
  const segments = new Segments(disk, counts)
  const level = await openLevel('memory')
  /** The rows of what was appended come first, as they do in the order of writes. */
  const writer = {
    commit: <T>(change: Change<T>): Promise<T> => {
      segments.added({ segment: 1, offset: 120, length: 10 }, true)
      return Promise.resolve(change.apply(new Rows(new Map()), []))
    }
  }
  const parts = { level, writer, pace: new Pace(() => 0, noSleep), signal: undefined }

  await compact(parts as unknown as CollectParts, segments)

  assert.deepEqual([...(await disk.sizes())], [[1, 150]])
})
