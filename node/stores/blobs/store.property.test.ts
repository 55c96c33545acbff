import assert from 'node:assert/strict'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import fc from 'fast-check'
import { LevelBlobStore } from './blob-store.ts'
import { PRIVATE, blobOf, noSleep, scratch, seeded } from './blobs.fixture.ts'
import type { Blob } from './blobs.fixture.ts'
import { fsckBlobs } from './fsck.ts'
import { hexOf } from './keys.ts'
import { read } from './store.suite.ts'
import { BLOB_CLASSES } from './types.ts'
import type { BlobClass, ReadingLease, Upload } from './types.ts'

const RUNS = 25
const COMMON = seeded('common', 1500)

/** Most of them have blocks in common, and one names the same block many times. */
const BLOBS: readonly (Blob & { readonly bytes: Buffer })[] = [
  Buffer.alloc(0),
  Buffer.alloc(3000),
  COMMON,
  ...['a', 'b', 'c'].map(own => Buffer.concat([COMMON, seeded(own, 700)])),
  seeded('alone', 100)
].map(bytes => ({ ...blobOf(bytes), bytes }))

const TENANTS = ['oslo', 'paris']

type Op =
  | { readonly do: 'put'; readonly tenant: string; readonly blob: number; readonly blobClass: BlobClass }
  | { readonly do: 'begin'; readonly tenant: string; readonly blob: number; readonly blocks: number }
  | { readonly do: 'delete' | 'read'; readonly tenant: string; readonly blob: number }
  | { readonly do: 'release' | 'abort' | 'gc' | 'reopen' }

const tenant = fc.constantFrom(...TENANTS)
const blob = fc.nat(BLOBS.length - 1)
const op: fc.Arbitrary<Op> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('put' as const),
      tenant,
      blob,
      blobClass: fc.constantFrom(...BLOB_CLASSES)
    })
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('begin' as const), tenant, blob, blocks: fc.nat(8) }) },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constantFrom('delete' as const, 'read' as const), tenant, blob })
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constantFrom('release' as const, 'abort' as const, 'gc' as const, 'reopen' as const)
    })
  }
)

test('whatever is done, each tenant has what it put, and everything that is counted fits', async t => {
  const top = scratch(t)
  let runs = 0

  await fc.assert(
    fc.asyncProperty(fc.array(op, { maxLength: 40 }), async ops => {
      await using run = new Run(join(top, String(runs++)))
      for (const each of [...ops, { do: 'gc' } as const]) await run.do(each)
      await run.checkCollected()
    }),
    { numRuns: RUNS }
  )
})

/** A store beside what it should hold. */
class Run implements AsyncDisposable {
  readonly #folder: string
  readonly #expected = new Map<string, BlobClass>()
  #store: LevelBlobStore | undefined
  #uploads: Upload[] = []
  #leases: { readonly lease: ReadingLease; readonly blob: number }[] = []

  constructor(folder: string) {
    this.#folder = folder
  }

  async do(op: Op): Promise<void> {
    const store = await this.#open()
    switch (op.do) {
      case 'put': {
        await using upload = await store.beginPut(op.tenant, { class: op.blobClass })
        const { blocks, root, length } = BLOBS[op.blob]!
        for (const { id, bytes } of blocks) await upload.write(id, bytes)
        await upload.finish(root, length)
        this.#expected.set(`${op.tenant} ${op.blob}`, op.blobClass)
        return
      }
      case 'begin': {
        const { blocks, root } = BLOBS[op.blob]!
        const upload = await store.beginPut(op.tenant, { ...PRIVATE, root })
        for (const { id, bytes } of blocks.slice(0, op.blocks)) await upload.write(id, bytes)
        this.#uploads.push(upload)
        return
      }
      case 'delete': {
        const was = this.#expected.delete(`${op.tenant} ${op.blob}`)
        const outcome = await store.roots.delete(op.tenant, BLOBS[op.blob]!.root)
        assert.equal(outcome, was ? 'deleted' : 'absent')
        return
      }
      case 'read': {
        const lease = await store.open(op.tenant, BLOBS[op.blob]!.root)
        assert.equal(lease !== undefined, this.#mayRead(op.tenant, op.blob))
        if (lease !== undefined) this.#leases.push({ lease, blob: op.blob })
        return
      }
      case 'release':
        return await this.#release()
      case 'abort':
        return await this.#uploads.pop()?.abort()
      case 'gc':
        await store.gc()
        return
      case 'reopen':
        return await this.end()
    }
  }

  async end(): Promise<void> {
    while (this.#leases.length > 0) await this.#release()
    this.#uploads = []
    await this.#store?.[Symbol.asyncDispose]()
    this.#store = undefined
  }

  /** What is left when all that nobody wants is gone. */
  async checkCollected(): Promise<void> {
    await this.end()
    assert.deepEqual((await fsckBlobs(this.#folder)).problems, [])
    const store = await this.#open()
    for (const of of TENANTS)
      for (const [i, { root }] of BLOBS.entries()) {
        const upload = await store.beginPut(of, { ...PRIVATE, root })
        await upload.abort()
        const stat = await store.roots.stat(of, root)
        assert.equal(stat?.class, this.#expected.get(`${of} ${i}`))
      }
    await store.gc()
    const wanted = new Set<string>()
    for (const key of this.#expected.keys())
      for (const { id } of BLOBS[Number(key.split(' ')[1])]!.blocks) wanted.add(hexOf(id.digest))
    const found = new Set<string>()
    for await (const { digest } of store.blocks.list()) found.add(hexOf(digest))
    assert.deepEqual([...found].sort(), [...wanted].sort())
    await this.end()
    assert.deepEqual((await fsckBlobs(this.#folder)).problems, [])
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#store?.[Symbol.asyncDispose]()
    rmSync(this.#folder, { recursive: true, force: true })
  }

  async #open(): Promise<LevelBlobStore> {
    const options = { now: () => 0, sleep: noSleep, segmentBytes: 8192 }
    return (this.#store ??= await LevelBlobStore.open(this.#folder, options))
  }

  async #release(): Promise<void> {
    const held = this.#leases.pop()
    if (held === undefined) return
    // Whatever has become of the root since.
    assert.ok((await read(held.lease, BLOBS[held.blob]!)).equals(BLOBS[held.blob]!.bytes))
    held.lease.release()
  }

  #mayRead(tenant: string, blob: number): boolean {
    if (this.#expected.has(`${tenant} ${blob}`)) return true
    return TENANTS.some(other => this.#expected.get(`${other} ${blob}`) === 'public')
  }
}
