import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { BlobError } from './blob-error.ts'
import type { BlobErrorCode } from './blob-error.ts'
import { PRIVATE, START_MS, TENANT, block, blobOf, held, put, seeded } from './blobs.fixture.ts'
import { decodeFileNode } from '../../../protocols/index.ts'
import type { Blob, Given } from './blobs.fixture.ts'
import { MAX_BLOCK_BYTES } from './types.ts'
import type { ReadingLease } from './types.ts'

const code = (expected: BlobErrorCode) => (error: unknown) =>
  error instanceof BlobError && error.code === expected

/** What every store of blobs does. */
export function blobStoreSuite(name: string, given: (t: TestContext) => Promise<Given>): void {
  const it = (behaviour: string, run: (given: Given, t: TestContext) => Promise<void>): void => {
    test(`${name}: ${behaviour}`, async t => await run(await given(t), t))
  }

  it('has a blob once it is finished, and gives its bytes back', async ({ store }) => {
    const bytes = seeded('a', 5000)
    const blob = blobOf(bytes)

    const stat = await put(store, blob, { contentType: 'text/plain' })

    using lease = await store.open(TENANT, blob.root)
    assert.deepEqual(await read(lease!, blob), bytes)
    assert.equal(lease?.length, 5000)
    assert.equal(lease.contentType, 'text/plain')
    assert.deepEqual(await store.roots.stat(TENANT, blob.root), stat)
    assert.equal(stat.blocks, blob.blocks.length)
    assert.equal(stat.createdAtMs, START_MS)
  })

  it('has an empty blob, and one of a single block', async ({ store }) => {
    for (const bytes of [Buffer.alloc(0), seeded('one', 200)]) {
      const blob = blobOf(bytes)

      await put(store, blob)

      using lease = await store.open(TENANT, blob.root)
      assert.deepEqual(await lease?.get(blob.root), bytes)
    }
  })

  it('takes blocks in any order', async ({ store }) => {
    const blob = blobOf(seeded('order', 5000))
    const reversed = { ...blob, blocks: blob.blocks.toReversed() }

    await put(store, reversed)

    assert.equal((await store.roots.list(TENANT)).length, 1)
  })

  it('gives every block that was written, at once, while several write', async ({ store }) => {
    await using upload = await store.beginPut(TENANT, PRIVATE)
    const blocks = Array.from({ length: 120 }, (_, n) => block(seeded(`several ${n}`, 65_536)))
    const written: typeof blocks = []
    const missed: number[] = []

    const writers = Array.from({ length: 4 }, async (_, first) => {
      for (let n = first; n < blocks.length; n += 4) {
        await upload.write(blocks[n]!.id, blocks[n]!.bytes)
        written.push(blocks[n]!)
        const found = await Promise.all(written.map(({ id }) => upload.get(id)))
        missed.push(...found.flatMap((bytes, at) => (bytes === undefined ? [at] : [])))
      }
    })
    await Promise.all(writers)

    assert.deepEqual(missed, [])
  })

  it('refuses a block whose bytes do not have its digest, and keeps nothing of it', async ({ store }) => {
    const { id, bytes } = block('the bytes')
    const upload = await store.beginPut(TENANT, PRIVATE)

    await assert.rejects(upload.write(id, Buffer.from('the bytez')), code('bad_digest'))
    await assert.rejects(store.blocks.put(id, bytes.subarray(1)), code('bad_digest'))
    await upload.abort()

    assert.equal(await store.blocks.has(id), false)
    assert.deepEqual(await store.usage(TENANT), { bytes: 0, blobs: 0, uploadingBytes: 0 })
  })

  it('refuses a block that is too long', async ({ store }) => {
    const { id, bytes } = block(Buffer.alloc(MAX_BLOCK_BYTES + 1))

    await assert.rejects(store.blocks.put(id, bytes), code('block_oversize'))
  })

  it('does not finish a blob of which a block is missing, even if somebody else has that', async ({
    store
  }) => {
    const blob = blobOf(seeded('hole', 5000))
    await put(store, blob, { tenant: 'oslo' })
    for (const missing of blob.blocks) {
      const upload = await store.beginPut(TENANT, PRIVATE)
      for (const { id, bytes } of blob.blocks) if (id !== missing.id) await upload.write(id, bytes)

      await assert.rejects(upload.finish(blob.root, blob.length), code('bad_dag'))

      await upload.abort()
    }
    assert.equal(await store.roots.stat(TENANT, blob.root), undefined)
  })

  it('finishes a blob once what was missing has come', async ({ store }) => {
    const blob = blobOf(seeded('late', 5000))
    const [late, ...rest] = blob.blocks
    const upload = await store.beginPut(TENANT, PRIVATE)
    for (const { id, bytes } of rest) await upload.write(id, bytes)
    await assert.rejects(upload.finish(blob.root, blob.length), code('bad_dag'))

    await upload.write(late!.id, late!.bytes)
    const stat = await upload.finish(blob.root, blob.length)

    assert.equal(stat.blocks, blob.blocks.length)
  })

  it('refuses a wrong length, a node that is none and a node whose leaf is longer than it says', async ({
    store
  }) => {
    const blob = blobOf(seeded('length', 600))
    const noNode = block('no node at all', 'dag-pb')
    const lying = blobOf(seeded('length', 600), { links: 8 })
    const shorter = block(lying.blocks[0]!.bytes.subarray(1))
    const node = Buffer.from(lying.blocks.at(-1)!.bytes)
    node.set(shorter.id.digest, node.indexOf(lying.blocks[0]!.id.digest))
    const lyingRoot = block(node, 'dag-pb')

    const upload = await store.beginPut(TENANT, PRIVATE)
    for (const { id, bytes } of [...blob.blocks, noNode, ...lying.blocks, shorter, lyingRoot])
      await upload.write(id, bytes)

    await assert.rejects(upload.finish(blob.root, 599), code('bad_dag'))
    await assert.rejects(upload.finish(noNode.id, 14), code('bad_dag'))
    await assert.rejects(upload.finish(lyingRoot.id, 600), code('bad_dag'))
    await assert.rejects(upload.finish(blob.blocks[0]!.id, 9), code('bad_dag'))
  })

  it('refuses a DAG of more than 8 levels', async ({ store }) => {
    const deep = blobOf(seeded('deep', 256 * 2 ** 8), { links: 2 })
    const fits = blobOf(seeded('deep', 256 * 2 ** 7), { links: 2 })

    await assert.rejects(put(store, deep), code('bad_dag'))
    await put(store, fits)

    assert.equal((await store.usage(TENANT)).blobs, 1)
  })

  it('counts a block as often as it is named, and writes a bomb of few blocks quickly', async ({ store }) => {
    const zeros = blobOf(Buffer.alloc(256 * 4 ** 7))
    const few = new Map(zeros.blocks.map(one => [Buffer.from(one.id.digest).toString('hex'), one]))
    assert.equal(few.size, 8)

    const stat = await put(store, { ...zeros, blocks: [...few.values()] })

    assert.equal(stat.blocks, zeros.blocks.length)
    assert.ok(stat.storedBytes > 256 * 4 ** 7)
    for await (const _place of store.roots.reaching(block('not in it').id)) assert.fail('it is not in it')
  })

  it('tells whose roots there are, page by page in the order of digests', async ({ store }) => {
    const blobs = Array.from({ length: 5 }, (_, i) => blobOf(seeded(`list ${i}`, 100 * i)))
    for (const blob of blobs) await put(store, blob)
    await put(store, blobs[0]!, { tenant: 'oslo' })
    const inOrder = blobs.map(({ root }) => Buffer.from(root.digest)).sort((a, b) => a.compare(b))

    const first = await store.roots.list(TENANT, { limit: 2 })
    const rest = await store.roots.list(TENANT, { after: first[1]!.root })

    const found = [...first, ...rest].map(({ root }) => Buffer.from(root.digest))
    assert.deepEqual(found, inOrder)
    assert.equal((await store.roots.list('oslo')).length, 1)
    assert.deepEqual(await store.roots.list('pari'), [])
  })

  it('opens for others what its class allows, and nothing else', async ({ store }) => {
    const [secret, shared, open] = ['private', 'federated', 'public'].map(text => blobOf(seeded(text, 700)))
    await put(store, secret!)
    await put(store, shared!, { class: 'federated' })
    await put(store, open!, { class: 'public' })
    const classes = ['public', 'federated'] as const

    const opens = async (tenant: string | undefined, { root }: Blob, options?: object): Promise<boolean> => {
      using lease = await store.open(tenant, root, options)
      return lease !== undefined
    }

    assert.deepEqual(await Promise.all([secret!, shared!, open!].map(one => opens(TENANT, one))), [
      true,
      true,
      true
    ])
    assert.deepEqual(await Promise.all([secret!, shared!, open!].map(one => opens(undefined, one))), [
      false,
      false,
      true
    ])
    assert.deepEqual(
      await Promise.all([secret!, shared!, open!].map(one => opens('oslo', one, { classes }))),
      [false, true, true]
    )
    assert.deepEqual(
      await Promise.all([secret!, shared!, open!].map(({ root }) => store.roots.classOf(root))),
      [undefined, 'federated', 'public']
    )
    assert.deepEqual(await store.roots.listOf('public'), [
      { codec: 'dag-pb', digest: Buffer.from(open!.root.digest) }
    ])
  })

  it('a blob of two tenants stays public for as long as one has it so', async ({ store }) => {
    const blob = blobOf(seeded('two', 700))
    await put(store, blob, { class: 'public' })
    await put(store, blob, { class: 'public', tenant: 'oslo' })

    await store.roots.delete(TENANT, blob.root)
    assert.equal(await store.roots.classOf(blob.root), 'public')
    await put(store, blob, { class: 'private', tenant: 'oslo' })

    assert.equal(await store.roots.classOf(blob.root), undefined)
    assert.notEqual(await store.roots.stat('oslo', blob.root), undefined)
  })

  it('knows which blocks a public root reaches', async ({ store }) => {
    const all = seeded('reach', 5000)
    const [open, secret] = [blobOf(all), blobOf(seeded('unreached', 5000))]
    await put(store, open, { tenant: 'oslo' })
    await put(store, secret)

    const before = await Promise.all(open.blocks.map(({ id }) => store.roots.isPublicBlock(id)))
    await put(store, open, { class: 'public' })
    const after = await Promise.all(open.blocks.map(({ id }) => store.roots.isPublicBlock(id)))
    await store.roots.delete(TENANT, open.root)
    const gone = await Promise.all(open.blocks.map(({ id }) => store.roots.isPublicBlock(id)))

    assert.deepEqual(
      [before, after, gone].map(list => new Set(list)),
      [new Set([false]), new Set([true]), new Set([false])]
    )
    assert.equal(await store.roots.isPublicBlock(secret.blocks[0]!.id), false)
  })

  it('opens each block that a public root reaches, and keeps what is below it while it is read', async ({
    store
  }) => {
    const [open, secret] = [blobOf(seeded('opened', 9000)), blobOf(seeded('closed', 3000))]
    await put(store, open, { class: 'public' })
    await put(store, secret, { class: 'federated' })
    const { id } = open.blocks.findLast(
      ({ id: { codec, digest } }) => codec === 'dag-pb' && digest !== open.root.digest
    )!

    const lease = (await store.openPublic(id))!
    await store.roots.delete(TENANT, open.root)
    await store.gc()
    const [child] = decodeFileNode((await lease.get(id))!).links
    const kept = await lease.get(child!.cid)
    const again = await store.openPublic(id)
    lease.release()
    await store.gc()

    assert.deepEqual([kept !== undefined, again], [true, undefined])
    assert.equal(await store.blocks.get(child!.cid), undefined)
    for (const one of [secret.root, secret.blocks[0]!.id, block('nowhere').id])
      assert.equal(await store.openPublic(one), undefined)
  })

  it('finds the roots that reach a block, and where', async ({ store }) => {
    const bytes = seeded('found', 5000)
    const [whole, part] = [blobOf(bytes), blobOf(bytes.subarray(1024, 2048))]
    await put(store, whole, { class: 'public' })
    await put(store, part, { tenant: 'oslo' })
    const { id } = block(bytes.subarray(1280, 1536))

    const places = []
    for await (const { root, ...place } of store.roots.reaching(id))
      places.push({ ...place, isPart: Buffer.from(root.digest).equals(part.root.digest) })

    assert.deepEqual(places, [
      { tenant: 'oslo', class: 'private', offset: 256, length: 256, isPart: true },
      { tenant: TENANT, class: 'public', offset: 1280, length: 256, isPart: false }
    ])
    for await (const _place of store.roots.reaching(block('nobody has it').id)) assert.fail('nobody has it')
  })

  it('keeps a tenant within its bytes, what comes in included', async ({ store }) => {
    const [first, second] = [blobOf(seeded('first', 3000)), blobOf(seeded('second', 3000))]
    const { storedBytes } = await put(store, first)
    const tenantBytes = storedBytes + 3000

    await assert.rejects(put(store, second, { tenantBytes }), code('tenant_full'))
    await assert.rejects(
      store.beginPut(TENANT, { ...PRIVATE, tenantBytes, expectedBytes: 3001 }),
      code('tenant_full')
    )
    await store.gc()

    assert.deepEqual(await store.usage(TENANT), { bytes: storedBytes, blobs: 1, uploadingBytes: 0 })
    assert.equal(await held(store, second), 0)
    // The same again needs room until it is known to be the same.
    await put(store, first, { tenantBytes: 2 * storedBytes + 512 })
    await put(store, second, { tenant: 'oslo', tenantBytes })
    assert.equal((await store.usage(TENANT)).bytes, storedBytes)
  })

  it('charges each tenant alike for what another has already', async ({ store }) => {
    const blob = blobOf(seeded('shared', 4000))

    const mine = await put(store, blob)
    const theirs = await put(store, blob, { tenant: 'oslo' })

    assert.equal(theirs.storedBytes, mine.storedBytes)
    assert.deepEqual(await store.usage('oslo'), await store.usage(TENANT))
  })

  it('collects what nothing holds, and nothing else', async ({ store }) => {
    const common = seeded('common', 1024)
    const [mine, theirs] = ['mine', 'theirs'].map(own => blobOf(Buffer.concat([common, seeded(own, 1024)])))
    await put(store, mine!)
    await put(store, theirs!, { tenant: 'oslo' })
    await put(store, blobOf(common), { tenant: 'oslo' })

    assert.equal(await store.roots.delete(TENANT, mine!.root), 'deleted')
    assert.equal(await store.roots.delete(TENANT, mine!.root), 'absent')
    const report = await store.gc()

    // Of mine: its root, a node and four leaves of its own.
    assert.equal(report.blocks, 6)
    assert.equal(await held(store, theirs!), theirs!.blocks.length)
    using lease = await store.open('oslo', theirs!.root)
    assert.equal((await read(lease!, theirs!)).length, 2048)
    assert.deepEqual(await store.usage(TENANT), { bytes: 0, blobs: 0, uploadingBytes: 0 })
    assert.equal((await store.gc()).blocks, 0)
  })

  it('does not collect what is being read', async ({ store }) => {
    const bytes = seeded('lease', 5000)
    const blob = blobOf(bytes)
    await put(store, blob)
    const lease = await store.open(TENANT, blob.root)

    await store.roots.delete(TENANT, blob.root)
    assert.equal((await store.gc()).blocks, 0)
    assert.equal(await store.open(TENANT, blob.root), undefined)
    assert.deepEqual(await read(lease!, blob), bytes)
    lease!.release()
    lease!.release()

    assert.equal((await store.gc()).blocks, blob.blocks.length)
    await assert.rejects(lease!.get(blob.root), code('closed'))
  })

  it('holds few blocks of an upload in memory, however small they are', async ({ store }) => {
    const blob = blobOf(seeded('small', 16_000), { leafBytes: 8, links: 64 })
    await using upload = await store.beginPut(TENANT, PRIVATE)

    for (const { id, bytes } of blob.blocks) await upload.write(id, bytes)

    // All leaves, but for those that wait for the last write and for the next.
    assert.ok((await store.usage(TENANT)).uploadingBytes >= 16_000 - 2 * 512 * 8)
    assert.equal((await upload.finish(blob.root, 16_000)).length, 16_000)
  })

  it('does not collect what is being put', async ({ store }) => {
    const blob = blobOf(seeded('putting', 5000))
    const upload = await store.beginPut(TENANT, PRIVATE)
    await put(store, blob, { tenant: 'oslo' })
    for (const { id, bytes } of blob.blocks) await upload.write(id, bytes)
    await store.roots.delete('oslo', blob.root)
    await store.gc()

    await upload.finish(blob.root, blob.length)
    await store.gc()

    assert.equal(await held(store, blob), blob.blocks.length)
  })

  it('collects what an aborted upload brought', async ({ store }) => {
    const blob = blobOf(seeded('aborted', 3 * 1024 * 1024), { leafBytes: 65_536, links: 16 })
    const upload = await store.beginPut(TENANT, PRIVATE)
    for (const { id, bytes } of blob.blocks) await upload.write(id, bytes)
    assert.ok((await store.usage(TENANT)).uploadingBytes > 1024 * 1024)

    await upload.abort()
    await upload.abort()
    await store.gc()

    assert.equal(await held(store, blob), 0)
    assert.equal((await store.usage(TENANT)).uploadingBytes, 0)
    await assert.rejects(upload.write(blob.blocks[0]!.id, blob.blocks[0]!.bytes), code('closed'))
  })

  it('an upload of one block again and again is refused in the middle, once the tenant has no room', async ({
    store
  }) => {
    const { id, bytes } = block(seeded('again', 65_536))
    await using upload = await store.beginPut(TENANT, { ...PRIVATE, tenantBytes: 4 * 1024 * 1024 })

    const writes = async (): Promise<void> => {
      for (let n = 0; n < 1000; n++) await upload.write(id, bytes)
    }

    await assert.rejects(writes(), code('tenant_full'))
    assert.ok(upload.bytes < 8 * 1024 * 1024, `${upload.bytes} bytes were taken`)
  })

  it('many blobs of few bytes fill the room of their tenant with what it takes to keep them', async ({
    store
  }) => {
    const limits = { tenantBytes: 64 * 1024 }
    const puts = async (): Promise<void> => {
      for (let n = 0; n < 1000; n++) await put(store, blobOf(Buffer.from(`${n}`)), limits)
    }

    await assert.rejects(puts(), code('tenant_full'))

    const { blobs, bytes } = await store.usage(TENANT)
    assert.ok(blobs > 100 && blobs <= 128, `${blobs} blobs`)
    assert.ok(bytes < 1000)
    await put(store, blobOf(Buffer.from('0')), limits)
    await put(store, blobOf(Buffer.from('again')), { tenant: 'oslo', ...limits })
  })

  it('a pinned root is not deleted, and does not expire', async ({ store, clock }) => {
    const blob = blobOf(seeded('pinned', 300))
    await put(store, blob, { isPinned: true, expiresAtMs: START_MS + 1 })
    clock.nowMs += 10
    await store.gc()

    assert.equal(await store.roots.delete(TENANT, blob.root), 'pinned')
    assert.equal((await store.roots.stat(TENANT, blob.root))?.isPinned, true)
    assert.equal(await store.roots.unpin(TENANT, blob.root), true)
    assert.equal(await store.roots.delete(TENANT, blob.root), 'deleted')
    assert.equal(await store.roots.pin(TENANT, blob.root), false)
  })

  it('a root that is not pinned goes at its time', async ({ store, clock }) => {
    const blobs = ['goes', 'stays', 'pinned later'].map(text => blobOf(seeded(text, 600)))
    const [goes, stays, pinned] = blobs
    await put(store, goes!, { expiresAtMs: START_MS + 100 })
    await put(store, stays!, { expiresAtMs: START_MS + 101 })
    await put(store, pinned!, { expiresAtMs: START_MS + 100 })
    await store.roots.pin(TENANT, pinned!.root)

    clock.nowMs = START_MS + 100
    await store.gc()

    const found = await Promise.all(blobs.map(({ root }) => store.roots.stat(TENANT, root)))
    assert.deepEqual(
      found.map(stat => stat !== undefined),
      [false, true, true]
    )
    assert.equal(await held(store, goes!), 0)
  })

  it('holds a block of its own until it is deleted', async ({ store }) => {
    const { id, bytes } = block('loose')

    await store.blocks.put(id, bytes)
    await store.blocks.put(id, bytes)
    await store.gc()
    assert.deepEqual(await store.blocks.get(id), Buffer.from(bytes))
    await store.blocks.delete(id)

    assert.equal(await store.blocks.get(id), undefined)
    assert.equal((await store.gc()).blocks, 1)
    await store.blocks.delete(id)
  })

  it('lists the blocks that are held', async ({ store }) => {
    const blob = blobOf(seeded('listed', 3000))
    await put(store, blob)

    const found: string[] = []
    for await (const { digest } of store.blocks.list()) found.push(Buffer.from(digest).toString('hex'))

    assert.deepEqual(found, blob.blocks.map(({ id }) => Buffer.from(id.digest).toString('hex')).sort())
  })

  it('many put, read, delete and collect at once', async ({ store }) => {
    const rounds = Array.from({ length: 8 }, async (_, n) => {
      for (let i = 0; i < 4; i++) {
        const bytes = seeded(`round ${(n + i) % 5}`, 3000)
        const blob = blobOf(bytes)
        await put(store, blob, { tenant: `t${n}` })
        using lease = await store.open(`t${n}`, blob.root)
        assert.deepEqual(await read(lease!, blob), bytes)
        await store.roots.delete(`t${n}`, blob.root)
        assert.deepEqual(await read(lease!, blob), bytes)
        if (i % 2 === 0) await store.gc()
      }
    })

    await Promise.all(rounds)
    await store.gc()

    const left = []
    for await (const id of store.blocks.list()) left.push(id)
    assert.deepEqual(left, [])
  })

  it('does nothing more once it is closed', async ({ store }) => {
    const upload = await store.beginPut(TENANT, PRIVATE)
    await store[Symbol.asyncDispose]()

    await assert.rejects(store.beginPut(TENANT, PRIVATE), code('closed'))
    await assert.rejects(store.gc(), code('closed'))
    const { id, bytes } = block('late')
    await assert.rejects(upload.write(id, bytes), code('closed'))
  })

  it('refuses what is no tenant', async ({ store }) => {
    for (const tenant of ['', 'a\0b', 'x'.repeat(256), 'é'])
      await assert.rejects(store.beginPut(tenant, PRIVATE), RangeError)
  })
}

/** The content of a blob, read leaf by leaf. */
export async function read(lease: ReadingLease, { blocks }: Blob): Promise<Buffer> {
  const leaves = blocks.filter(({ id }) => id.codec === 'raw').map(({ id }) => id)
  const pieces: Uint8Array[] = []
  for (let at = 0; at < leaves.length; at += 64)
    for (const bytes of await lease.getMany(leaves.slice(at, at + 64))) {
      assert.notEqual(bytes, undefined, 'a leaf is gone')
      pieces.push(bytes!)
    }
  return Buffer.concat(pieces)
}
