import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { makeFolder } from '../../durable-file.ts'
import { unsealJson } from '../mailbox/seal.ts'
import { openLevel } from '../level.ts'
import type { Level, Migration } from '../level.ts'
import { BlobError } from './blob-error.ts'
import { HeldBlocks } from './blocks.ts'
import { collect, expire } from './collect.ts'
import type { CollectParts } from './collect.ts'
import { compact } from './compact.ts'
import { FileDisk } from './file-disk.ts'
import { checkRoom } from './finishing.ts'
import { checkTenant, resumeKey, uploadKey } from './keys.ts'
import { Leases } from './leases.ts'
import { forgetSuspended } from './forget-suspended.ts'
import { findSegments } from './opening.ts'
import type { Found, OpeningReport } from './opening.ts'
import { Pace, systemSleep } from './pace.ts'
import type { Sleep } from './pace.ts'
import { purge } from './purge.ts'
import { ReadNodes } from './read-nodes.ts'
import { ReadingRoot } from './reading-root.ts'
import { BlockReader } from './reading.ts'
import { readUsage } from './records.ts'
import type { UploadRow } from './records.ts'
import { scrub } from './scrub.ts'
import { MemoryDisk } from './segment-disk.ts'
import type { SegmentDisk } from './segment-disk.ts'
import { Segments } from './segments.ts'
import { Sweeper } from './sweeper.ts'
import { PUBLIC, TenantRoots } from './tenant-roots.ts'
import { StoredUpload, aborting } from './upload.ts'
import { Writer } from './writer.ts'
import type {
  BlobStore,
  BlockId,
  BlockLease,
  GcReport,
  NewBlob,
  ReadingLease,
  ScrubOptions,
  ScrubReport,
  SharedClass,
  Upload,
  Usage
} from './types.ts'

const MIGRATIONS: readonly Migration[] = []
/** Rows are small: more would be memory for nothing, beside that of the blocks on their way. */
const WRITE_BUFFER_BYTES = 4 * 1024 * 1024
const SUSPENDED_MS = 7 * 24 * 3_600_000

export interface BlobStoreOptions {
  /** Unix ms. */
  readonly now: () => number
  readonly sleep?: Sleep
  /** After so long without a write a suspended upload is collected; 7 days if not given. */
  readonly suspendedMs?: number
  readonly segmentBytes?: number
  /** Whether all that a tenant has is to be taken away by `gc`. */
  readonly isPurged?: (tenant: string) => boolean
  readonly migrations?: readonly Migration[]
}

/** The folders of a store. */
export const blobFolders = (folder: string): { readonly index: string; readonly segments: string } => ({
  index: join(folder, 'index'),
  segments: join(folder, 'segments')
})

/**
 * Blobs of a node: blocks one behind the other in the segments of a folder, and rows in LevelDB beside them that say where each
 * block is, what holds it, and whose roots there are. A root survives a power cut once it is finished, with every block under
 * it. A block is hashed whenever it is read: whoever can write to the folder can take blobs away and give roots to tenants, but
 * make no block say something else. Checksums over the rows are against decay, not against them.
 */
export class LevelBlobStore implements BlobStore {
  readonly opened: OpeningReport
  readonly blocks: HeldBlocks
  readonly roots: TenantRoots
  readonly #level: Level
  readonly #segments: Segments
  readonly #writer: Writer
  readonly #reader: BlockReader
  readonly #sweeper: Sweeper
  readonly #leases = new Leases()
  readonly #nodes = new ReadNodes()
  readonly #options: BlobStoreOptions
  readonly #gathered = { bytes: 0 }
  readonly #uploads = new Map<string, StoredUpload>()
  /** Suspended uploads that the last collection took away: whoever read their rows just before begins anew. */
  readonly #forgotten = new Set<string>()
  #collecting: Promise<GcReport> | undefined
  readonly #scrubbing = new Set<Promise<ScrubReport>>()
  readonly #closing = new AbortController()
  #closed: Promise<void> | undefined

  /**
   * Opens the store in a folder, which is made, or for `memory` an empty one that ends with the process.
   * @throws SetupError `inUse`, `newerFormat`, `badInput`
   */
  static async open(folder: string, options: BlobStoreOptions): Promise<LevelBlobStore> {
    const { migrations = MIGRATIONS } = options
    const { index, segments } = blobFolders(folder)
    if (folder === 'memory')
      return await LevelBlobStore.#opening(await openLevel(folder, { migrations }), new MemoryDisk(), options)
    await makeFolder(folder)
    await makeFolder(segments)
    const level = await openLevel(index, { migrations, writeBufferBytes: WRITE_BUFFER_BYTES })
    return await LevelBlobStore.#opening(level, new FileDisk(segments), options)
  }

  static async #opening(level: Level, disk: SegmentDisk, options: BlobStoreOptions): Promise<LevelBlobStore> {
    try {
      const found = await findSegments(level, disk)
      const store = new LevelBlobStore(level, disk, found, options)
      await Promise.all(
        found.broken.map(({ upload, tenant }) => store.#writer.commit(aborting(upload, tenant, undefined)))
      )
      await store.#sweeper.addLeft()
      return store
    } catch (error) {
      await disk.close()
      await level.close()
      throw error
    }
  }

  private constructor(level: Level, disk: SegmentDisk, { counts, report }: Found, options: BlobStoreOptions) {
    this.opened = report
    this.#level = level
    this.#options = options
    const { segmentBytes } = options
    this.#segments = new Segments(disk, counts, { segmentBytes, damaged: report.damagedSegments })
    this.#reader = new BlockReader(level, this.#segments)
    this.#writer = new Writer(level, this.#segments)
    this.#sweeper = new Sweeper(level, this.#writer)
    this.blocks = new HeldBlocks(level, this.#reader, this.#writer)
    this.roots = new TenantRoots(level, this.#reader, this.#writer)
  }

  get bytes(): number {
    let bytes = 0
    for (const { live } of this.#segments.counts.values()) bytes += live
    return bytes
  }

  get failure(): unknown {
    return this.#writer.failure
  }

  async beginPut(tenant: string, blob: NewBlob): Promise<Upload> {
    this.#check()
    checkTenant(tenant)
    const { expectedBytes = 0, tenantBytes, root } = blob
    const kept = root === undefined ? undefined : await this.#suspended(tenant, root)
    const { bytes, blobs, uploading } = await readUsage(this.#level, tenant)
    const most = Math.max(uploading, uploading - (kept?.row.bytes ?? 0) + expectedBytes)
    checkRoom(tenant, { bytes: bytes + most, blobs }, tenantBytes)
    // Of two that come at once, one goes on with what was suspended.
    if (kept === undefined || this.#uploads.has(kept.upload) || this.#forgotten.has(kept.upload))
      return await this.#begin(randomBytes(8).toString('hex'), tenant, blob)
    return await this.#begin(kept.upload, tenant, blob, kept.row)
  }

  async open(
    tenant: string | undefined,
    root: BlockId,
    { classes = PUBLIC }: { readonly classes?: readonly SharedClass[] } = {}
  ): Promise<ReadingLease | undefined> {
    this.#check()
    const lease = new ReadingRoot(root, this.#reader, this.#leases, this.#nodes)
    return await lease.orRelease(async () => {
      const found = await this.roots.readable(tenant, root, classes)
      return found && lease.of(found)
    })
  }

  async openPublic(id: BlockId): Promise<BlockLease | undefined> {
    this.#check()
    const lease = new ReadingRoot(id, this.#reader, this.#leases, this.#nodes)
    return await lease.orRelease(async () => ((await this.roots.isPublicBlock(id)) ? lease : undefined))
  }

  async usage(tenant: string): Promise<Usage> {
    const { bytes, blobs, uploading } = await readUsage(this.#level, checkTenant(tenant))
    return { bytes, blobs, uploadingBytes: uploading }
  }

  async gc({ signal }: { readonly signal?: AbortSignal | undefined } = {}): Promise<GcReport> {
    this.#check()
    while (this.#collecting !== undefined) await this.#collecting.catch(() => undefined)
    signal?.throwIfAborted()
    this.#collecting = this.#collect(this.#signal(signal))
    try {
      return await this.#collecting
    } finally {
      this.#collecting = undefined
    }
  }

  async scrub(options: ScrubOptions = {}): Promise<ScrubReport> {
    this.#check()
    const [level, reader, writer] = [this.#level, this.#reader, this.#writer]
    const { sleep = systemSleep } = this.#options
    const signal = this.#signal(options.signal)
    const scrubbing = scrub({ level, reader, writer, sleep }, { ...options, signal })
    this.#scrubbing.add(scrubbing)
    try {
      return await scrubbing
    } finally {
      this.#scrubbing.delete(scrubbing)
    }
  }

  /** Suspends what is open, and resolves when nothing touches the folder any more. */
  [Symbol.asyncDispose](): Promise<void> {
    return (this.#closed ??= this.#close())
  }

  #check(): void {
    if (this.#closed !== undefined) throw new BlobError('closed', 'the store is closed')
  }

  #signal(signal: AbortSignal | undefined): AbortSignal {
    const closing = this.#closing.signal
    return signal === undefined ? closing : AbortSignal.any([signal, closing])
  }

  async #begin(upload: string, tenant: string, blob: NewBlob, kept?: UploadRow): Promise<Upload> {
    const { now } = this.#options
    const parts = {
      level: this.#level,
      reader: this.#reader,
      writer: this.#writer,
      gathered: this.#gathered,
      now,
      over: (id: string) => this.#sweeper.add(id),
      closed: (id: string) => void this.#uploads.delete(id)
    }
    const stored = new StoredUpload(parts, upload, { tenant, blob, kept })
    this.#uploads.set(upload, stored)
    return stored
  }

  async #suspended(tenant: string, root: BlockId) {
    const value = await this.#level.get(resumeKey(tenant, root))
    if (value === undefined) return undefined
    const upload = Buffer.from(value).toString()
    const key = uploadKey(upload)
    const row = unsealJson<UploadRow>(key, await this.#level.get(key))
    return row === undefined ? undefined : { upload, row }
  }

  async #collect(signal: AbortSignal): Promise<GcReport> {
    const { now, sleep = systemSleep, isPurged, suspendedMs = SUSPENDED_MS } = this.#options
    const parts: CollectParts = {
      level: this.#level,
      writer: this.#writer,
      reader: this.#reader,
      leases: this.#leases,
      pace: new Pace(now, sleep),
      signal
    }
    if (isPurged !== undefined) await purge(parts, isPurged, upload => this.#sweeper.add(upload))
    this.#forgotten.clear()
    await forgetSuspended(parts, now() - suspendedMs, {
      isOpen: upload => this.#uploads.has(upload),
      forgotten: this.#forgotten,
      over: upload => this.#sweeper.add(upload)
    })
    await this.#sweeper.idle()
    await expire(parts, now())
    const { blocks, bytes } = await collect(parts)
    return { blocks, bytes, freedBytes: await compact(parts, this.#segments) }
  }

  async #close(): Promise<void> {
    this.#closing.abort(new BlobError('closed', 'the store is closed'))
    await Promise.allSettled([...this.#uploads.values()].map(upload => upload.suspend()))
    await Promise.allSettled([this.#collecting, ...this.#scrubbing])
    await this.#sweeper.close()
    await this.#writer.idle()
    await this.#segments.disk.close()
    await this.#level.close()
  }
}
