import assert from 'node:assert/strict'
import { registerHooks } from 'node:module'
import { afterEach, beforeEach, describe, it, test } from 'node:test'
import { LevelBlobStore } from './blob-store.ts'
import { block, given, noSleep } from './blobs.fixture.ts'
import { BlobError } from './blob-error.ts'
import { Blockstore } from './blockstore.ts'
import { MAX_BLOCK_BYTES } from './types.ts'

// The suite of `interface-blockstore` runs under a harness that has these as globals, and its own chai.
Object.assign(globalThis, { describe, it, beforeEach, afterEach })
registerHooks({
  resolve: (specifier, context, next) =>
    next(
      specifier === 'aegir/chai' ? new URL('aegir-chai.fixture.mjs', import.meta.url).href : specifier,
      context
    )
})
const { interfaceBlockstoreTests } = await import('interface-blockstore-tests')
const { CID } = await import('multiformats/cid')
const Digest = await import('multiformats/hashes/digest')

type Cid = InstanceType<typeof CID>
const toCid = ({ codec, digest }: { readonly codec: string; readonly digest: Uint8Array }): Cid =>
  CID.createV1(codec === 'raw' ? 0x55 : 0x70, Digest.create(0x12, digest))

describe('the public suite of interface-blockstore', () => {
  const stores = new Map<object, LevelBlobStore>()
  interfaceBlockstoreTests({
    async setup() {
      const store = await LevelBlobStore.open('memory', { now: () => 0, sleep: noSleep })
      const blockstore = new Blockstore(store.blocks, toCid)
      stores.set(blockstore, store)
      return blockstore as never
    },
    async teardown(blockstore) {
      await stores.get(blockstore)?.[Symbol.asyncDispose]()
    }
  })
})

test('a CID of another hash or codec is refused', async t => {
  const { store } = await given(t, { inMemory: true })
  const blockstore = new Blockstore(store.blocks, toCid)
  const { id, bytes } = block('cbor')

  await assert.rejects(blockstore.put(CID.createV1(0x71, Digest.create(0x12, id.digest)), bytes), RangeError)
  await assert.rejects(blockstore.has(CID.createV1(0x55, Digest.create(0x1e, id.digest))), RangeError)
})

test('a block without end is read no further than a block may reach', async t => {
  const { store } = await given(t, { inMemory: true })
  const blockstore = new Blockstore(store.blocks, toCid)
  let read = 0
  function* endless(): Generator<Uint8Array> {
    for (;;) {
      read += 65_536
      yield new Uint8Array(65_536)
    }
  }

  await assert.rejects(
    blockstore.put(toCid(block('x').id), endless()),
    (error: unknown) => error instanceof BlobError && error.code === 'block_oversize'
  )

  assert.ok(read <= MAX_BLOCK_BYTES + 65_536)
})
