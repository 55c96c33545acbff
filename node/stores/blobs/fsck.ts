import { existsSync } from 'node:fs'
import { SetupError, errorCode } from '../../setup-error.ts'
import { unsealJson } from '../mailbox/seal.ts'
import { openLevel } from '../level.ts'
import type { Level } from '../level.ts'
import { decodeBlockRow } from './block-row.ts'
import type { BlockRow } from './block-row.ts'
import { blobFolders } from './blob-store.ts'
import { FileDisk } from './file-disk.ts'
import { checkHolds } from './fsck-holds.ts'
import { KIND, blockKey, digestOf, garbageKey, hexOf, lastHex, tenantAndRoot, usageKey } from './keys.ts'
import { readCounts } from './opening.ts'
import { isOf } from './reading.ts'
import { NO_USAGE } from './records.ts'
import type { RootRow, UploadRow, UsageRow } from './records.ts'
import { rowsOf } from './row-walk.ts'
import { recordBytes } from './segments.ts'
import type { SegmentCount } from './segments.ts'

const MOST_NAMED = 1000
/** What LevelDB throws for a damaged block, and for a file that was cut short. */
const UNREADABLE: readonly string[] = ['LEVEL_CORRUPTION', 'LEVEL_IO_ERROR']

export type BlobProblemKind =
  /** A segment that is gone or shorter than its row says. */
  | 'damaged_segment'
  /** A row that cannot be read. */
  | 'damaged_row'
  /** Rows that LevelDB itself cannot read; nobody knows how many. */
  | 'damaged_index'
  /** A block whose bytes on the disk are not those of its digest. */
  | 'rotten_block'
  /** A block that a root, a node or an upload holds, and that is not there. */
  | 'missing_block'
  /** A root of which not all blocks are there. */
  | 'broken_root'
  /** A count that does not fit what is there: what holds a block, how much of a segment is live, what a tenant has. */
  | 'wrong_count'
  /** A block that nothing holds and that is never collected. */
  | 'stray_block'
  /** A row that says of a root that it is shared while no tenant shares it, or the other way round. */
  | 'wrong_class'

export interface BlobProblem {
  readonly kind: BlobProblemKind
  /** Names the segment, the digest, the tenant or the key. */
  readonly subject: string
  readonly detail: string
}

export interface BlobFsckReport {
  readonly blocks: number
  readonly bytes: number
  readonly roots: number
  readonly uploads: number
  /** The first 1,000. */
  readonly problems: readonly BlobProblem[]
  /** All, also those that are not named. */
  readonly found: number
}

export interface BlobFsckOptions {
  readonly signal?: AbortSignal | undefined
  /** Hears how many blocks were hashed so far. */
  readonly progress?: ((blocks: number) => void) | undefined
}

/**
 * Reads every row and hashes every block of a store that nobody has open, and changes nothing. Memory does not grow with what
 * is stored.
 * @throws SetupError `noInput`, `inUse`, `newerFormat`; the signal's reason
 */
export async function fsckBlobs(folder: string, options: BlobFsckOptions = {}): Promise<BlobFsckReport> {
  const { index, segments } = blobFolders(folder)
  if (!existsSync(index)) throw new SetupError('noInput', `${folder}: no blobs are stored here`)
  const level = await openLevel(index)
  const disk = new FileDisk(segments)
  try {
    const check = new Check(level, disk, options)
    await check.run()
    return check.report
  } finally {
    await disk.close()
    await level.close()
  }
}

class Check {
  readonly #level: Level
  readonly #disk: FileDisk
  readonly #options: BlobFsckOptions
  readonly #problems: BlobProblem[] = []
  #found = 0
  #blocks = 0
  #bytes = 0
  #roots = 0
  #uploads = 0

  constructor(level: Level, disk: FileDisk, options: BlobFsckOptions) {
    this.#level = level
    this.#disk = disk
    this.#options = options
  }

  get report(): BlobFsckReport {
    const [blocks, bytes, roots, uploads] = [this.#blocks, this.#bytes, this.#roots, this.#uploads]
    return { blocks, bytes, roots, uploads, problems: this.#problems, found: this.#found }
  }

  async run(): Promise<void> {
    await this.#reading('segments and blocks', async () => {
      const counts = await readCounts(this.#level)
      await this.#segments(counts)
      await this.#blockRows(counts)
    })
    await this.#reading('roots and tenants', () => this.#tenants())
    await this.#reading('what holds the blocks', () =>
      checkHolds({
        level: this.#level,
        disk: this.#disk,
        blocks: this.#blocks,
        signal: this.#options.signal,
        tell: (kind, subject, detail) => this.#tell(kind, subject, detail)
      })
    )
  }

  /** LevelDB gives up where a block of its own files is damaged. */
  async #reading(what: string, read: () => Promise<void>): Promise<void> {
    try {
      await read()
    } catch (error) {
      if (!UNREADABLE.includes(errorCode(error) ?? '')) throw error
      this.#tell('damaged_index', what, (error as Error).message)
    }
  }

  async #segments(counts: ReadonlyMap<number, SegmentCount>): Promise<void> {
    const sizes = await this.#disk.sizes()
    for (const [segment, { bytes }] of counts) {
      const size = sizes.get(segment)
      if (size === undefined) this.#tell('damaged_segment', String(segment), 'the file is missing')
      else if (size < bytes) this.#tell('damaged_segment', String(segment), `${size} of ${bytes} bytes`)
    }
  }

  /** Every block, and how much of each segment is live. */
  async #blockRows(counts: ReadonlyMap<number, SegmentCount>): Promise<void> {
    const { signal, progress } = this.#options
    const live = new Map<number, number>()
    for await (const [key, bytes] of rowsOf(this.#level, KIND.block, { signal })) {
      const hex = lastHex(key)
      const row = decodeBlockRow(key, bytes)
      this.#blocks++
      if (typeof row === 'string') {
        this.#tell('damaged_row', key, row)
        continue
      }
      this.#bytes += row.length
      live.set(row.segment, (live.get(row.segment) ?? 0) + recordBytes(row.length))
      await this.#block(hex, row)
      if (this.#blocks % 256 === 0) progress?.(this.#blocks)
    }
    progress?.(this.#blocks)
    for (const [segment, { live: kept }] of counts) {
      const found = live.get(segment) ?? 0
      if (found !== kept)
        this.#tell('wrong_count', `segment ${segment}`, `${found} bytes are live, ${kept} counted`)
    }
  }

  async #block(hex: string, { segment, offset, length, holds }: BlockRow): Promise<void> {
    if (holds === 0) {
      if ((await this.#level.get(garbageKey(hex))) === undefined)
        this.#tell('stray_block', hex, 'nothing holds it, and it is not to be collected')
      return
    }
    const bytes = await this.#disk.read(segment, offset, length).catch(() => undefined)
    if (bytes === undefined)
      this.#tell('rotten_block', hex, `segment ${segment} at ${offset}: cannot be read`)
    else if (!isOf(digestOf(hex), bytes))
      this.#tell('rotten_block', hex, `segment ${segment} at ${offset}: not the bytes of this digest`)
  }

  /** Every root, and what each tenant has. */
  async #tenants(): Promise<void> {
    const { signal } = this.#options
    const uploading = new Map<string, number>()
    for await (const [key, bytes] of rowsOf(this.#level, KIND.upload, { signal })) {
      this.#uploads++
      const row = unsealJson<UploadRow>(key, bytes)
      if (row === undefined) this.#tell('damaged_row', key, 'an upload that cannot be read')
      else uploading.set(row.tenant, (uploading.get(row.tenant) ?? 0) + row.bytes)
    }
    let last: { readonly tenant: string; bytes: number; blobs: number } | undefined
    const end = async (): Promise<void> => {
      if (last === undefined) return
      await this.#usage(last.tenant, { ...last, uploading: uploading.get(last.tenant) ?? 0 })
      uploading.delete(last.tenant)
    }
    for await (const [key, bytes] of rowsOf(this.#level, KIND.root, { signal })) {
      this.#roots++
      const { tenant } = tenantAndRoot(key)
      if (last?.tenant !== tenant) {
        await end()
        last = { tenant, bytes: 0, blobs: 0 }
      }
      const row = unsealJson<RootRow>(key, bytes)
      if (row === undefined) this.#tell('damaged_row', key, 'a root that cannot be read')
      else {
        last.bytes += row.storedBytes
        last.blobs++
        await this.#root(key, row)
      }
    }
    await end()
    for (const [tenant, bytes] of uploading)
      await this.#usage(tenant, { bytes: 0, blobs: 0, uploading: bytes })
  }

  async #root(key: string, { length }: RootRow): Promise<void> {
    const { tenant, root } = tenantAndRoot(key)
    const hex = hexOf(root.digest)
    const bytes = await this.#level.get(blockKey(hex))
    const row = bytes === undefined ? undefined : decodeBlockRow(blockKey(hex), bytes)
    const subject = `${hex} of tenant ${tenant}`
    if (row === undefined) this.#tell('broken_root', subject, 'its first block is missing')
    else if (typeof row === 'string') return
    else if (root.codec === 'dag-pb' && !row.isWhole) this.#tell('broken_root', subject, 'it is not whole')
    else if (root.codec === 'raw' && row.length !== length)
      this.#tell('broken_root', subject, `${row.length} bytes, ${length} were finished`)
  }

  async #usage(tenant: string, { bytes, blobs, uploading }: UsageRow): Promise<void> {
    const key = usageKey(tenant)
    const kept = await this.#keptUsage(key)
    if (kept?.bytes === bytes && kept.blobs === blobs && kept.uploading === uploading) return
    const text = `${blobs} blobs of ${bytes} bytes, ${uploading} in uploads`
    this.#tell('wrong_count', `tenant ${tenant}`, `has ${text}; counted: ${JSON.stringify(kept ?? null)}`)
  }

  /** Who has nothing has no row. */
  async #keptUsage(key: string): Promise<UsageRow | undefined> {
    const bytes = await this.#level.get(key)
    return bytes === undefined ? NO_USAGE : unsealJson<UsageRow>(key, bytes)
  }

  #tell(kind: BlobProblemKind, subject: string, detail: string): void {
    this.#found++
    if (this.#problems.length < MOST_NAMED) this.#problems.push({ kind, subject, detail })
  }
}
