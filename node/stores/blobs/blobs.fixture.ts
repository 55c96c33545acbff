import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { cidOf, encodeFileNode } from '../../../protocols/index.ts'
import { LevelBlobStore } from './blob-store.ts'
import type { BlobStoreOptions } from './blob-store.ts'
import type { BlobStore, BlockId, NewBlob, RootStat } from './types.ts'

export const START_MS = 1_800_000_000_000
export const TENANT = 'paris'
const LEAF_BYTES = 256

export interface Block {
  readonly id: ReturnType<typeof cidOf>
  readonly bytes: Uint8Array
}

/** A blob as its blocks, children before their parents. */
export interface Blob {
  readonly root: Block['id']
  readonly length: number
  readonly blocks: readonly Block[]
}

export function block(bytes: Uint8Array | string, codec: BlockId['codec'] = 'raw'): Block {
  const all = typeof bytes === 'string' ? Buffer.from(bytes) : bytes
  return { id: cidOf(codec, createHash('sha256').update(all).digest()), bytes: all }
}

/** Bytes that no other seed gives, the same each time. */
export function seeded(seed: string | number, length: number): Buffer {
  const pieces: Buffer[] = []
  for (let i = 0; i * 32 < length; i++) pieces.push(createHash('sha256').update(`${seed}/${i}`).digest())
  return Buffer.concat(pieces).subarray(0, length)
}

interface Tree {
  readonly block: Block
  readonly length: number
  readonly treeBytes: number
}

/** The same bytes are the same blob: leaves of 256 bytes unless said otherwise, so many links a node. */
export function blobOf(bytes: Uint8Array, { leafBytes = LEAF_BYTES, links = 4 } = {}): Blob {
  const blocks: Block[] = []
  const added = (one: Block): Block => {
    blocks.push(one)
    return one
  }
  let level: Tree[] = []
  for (let at = 0; at === 0 || at < bytes.length; at += leafBytes) {
    const leaf = added(block(bytes.subarray(at, at + leafBytes)))
    level.push({ block: leaf, length: leaf.bytes.length, treeBytes: leaf.bytes.length })
  }
  while (level.length > 1) {
    const above: Tree[] = []
    for (let at = 0; at < level.length; at += links) above.push(parentOf(level.slice(at, at + links), added))
    level = above
  }
  return { root: level[0]!.block.id, length: bytes.length, blocks }
}

function parentOf(children: readonly Tree[], added: (one: Block) => Block): Tree {
  const links = children.map(({ block: { id: cid }, length, treeBytes }) => ({ cid, length, treeBytes }))
  const node = added(block(encodeFileNode(links), 'dag-pb'))
  const length = children.reduce((sum, child) => sum + child.length, 0)
  const treeBytes = children.reduce((sum, child) => sum + child.treeBytes, node.bytes.length)
  return { block: node, length, treeBytes }
}

export const PRIVATE: NewBlob = { class: 'private' }

export async function put(
  store: BlobStore,
  blob: Blob,
  { tenant = TENANT, ...options }: Partial<NewBlob> & { readonly tenant?: string } = {}
): Promise<RootStat> {
  await using upload = await store.beginPut(tenant, { ...PRIVATE, ...options })
  for (const { id, bytes } of blob.blocks) await upload.write(id, bytes)
  return await upload.finish(blob.root, blob.length)
}

/** How many of a blob's blocks are held. */
export async function held(store: BlobStore, { blocks }: Blob): Promise<number> {
  const has = await store.blocks.hasMany(blocks.map(({ id }) => id))
  return has.filter(Boolean).length
}

export interface Given {
  store: LevelBlobStore
  readonly clock: { nowMs: number }
  /** Undefined in memory. */
  readonly folder: string | undefined
  readonly options: BlobStoreOptions
  /** Closes the store and opens what it left; only on the disk. */
  reopen(): Promise<LevelBlobStore>
}

export const noSleep = (_ms: number, signal?: AbortSignal): Promise<void> => {
  signal?.throwIfAborted()
  return Promise.resolve()
}

/** A store in a folder of its own, or in memory, with a time that stands still. */
export async function given(
  t: TestContext,
  { inMemory = false, ...more }: Partial<BlobStoreOptions> & { readonly inMemory?: boolean } = {}
): Promise<Given> {
  const clock = { nowMs: START_MS }
  const folder = inMemory ? undefined : scratch(t)
  const options: BlobStoreOptions = { now: () => clock.nowMs, sleep: noSleep, ...more }
  const open = (): Promise<LevelBlobStore> => LevelBlobStore.open(folder ?? 'memory', options)
  const made: Given = {
    store: await open(),
    clock,
    folder,
    options,
    async reopen() {
      await made.store[Symbol.asyncDispose]()
      return (made.store = await open())
    }
  }
  t.after(() => made.store[Symbol.asyncDispose]())
  return made
}

export function scratch(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'blobs-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  return join(folder, 'blobs')
}
