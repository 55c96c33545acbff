import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import {
  consistencyProof,
  inclusionProof,
  leafHash,
  rangeProof,
  rootOf,
  signCheckpoint
} from '../../federation/index.ts'
import { OapError } from '../../protocols/index.ts'
import { replaceFile } from '../durable-file.ts'
import { systemError } from '../setup-error.ts'
import type { AuditEvent } from './audit-event.ts'
import { type EntryLine, encodeEntry } from './entry.ts'
import { auditEvent } from './events.ts'
import { EntryIds } from './entry-ids.ts'
import { GroupCommit } from './group-commit.ts'
import { readLines } from './lines.ts'
import { type LogIdentity, type LogPaths, logPaths, readLogIdentity } from './log-folder.ts'
import { type LogLock, takeLogLock } from './log-lock.ts'
import { type FoundLog, type KnownSegment, findLog, noteEntry } from './opening.ts'
import { ProofSource } from './proof-source.ts'
import { type Retention, segmentsToPrune } from './retention.ts'
import { removeEntries, sealSegment } from './seal.ts'
import { SEGMENT_FILES, type SegmentState, SegmentWriter, recordOf, segmentFolder } from './segment.ts'
import { partialTiles } from './tile.ts'
import { TileFiles } from './tile-files.ts'
import type { TreeEdge } from './tree-edge.ts'

const DEFAULT_LIMITS: SegmentLimits = {
  entries: 65_536,
  bytes: 32 * 1024 * 1024,
  ageMs: 24 * 3_600_000
}

/** When a segment is closed: at the first append after it has reached one of these. */
export interface SegmentLimits {
  /** At least 2, since each seal is an entry. */
  readonly entries: number
  readonly bytes: number
  readonly ageMs: number
}

export interface AuditLogOptions {
  /** Milliseconds since 1970. */
  readonly now?: () => number
  readonly random?: (bytes: number) => Uint8Array
  readonly segment?: Partial<SegmentLimits>
  /** Appended before any other entry, a repair's included; asked for the next one once the one before is durable. */
  readonly first?: Iterable<AuditEvent>
}

/** A leaf's or a tree's evidence under a tree of `size` entries; hashes of 32 bytes. */
export interface Proof {
  readonly size: number
  readonly hashes: readonly Uint8Array[]
}

/** What of a log's folder belongs to the tree of its newest checkpoint, while nothing else in it is touched. */
export interface LogExtent {
  readonly folder: string
  readonly checkpoint: string
  readonly size: number
  /** Those that are over. */
  readonly segments: readonly string[]
  /** The one that is appended to, and how much of its entries belongs to the tree; undefined in an empty log. */
  readonly last: { readonly folder: string; readonly bytes: number } | undefined
}

const LINE_FEED = Buffer.from('\n')

interface Written extends EntryLine {
  readonly ts: number
}

/**
 * The audit log of one node: entries in a hash chain that are the leaves of a Merkle tree. What `append` acknowledged
 * and what `checkpoint` gave out survives a power cut; of the rest a crash leaves at most a torn last line, which the
 * next opening cuts off and records. One process at a time.
 * @see specs/audit.md
 */
export class AuditLog implements AsyncDisposable {
  readonly origin: string
  readonly #paths: LogPaths
  readonly #identity: LogIdentity
  readonly #lock: LogLock
  readonly #limits: SegmentLimits
  readonly #now: () => number
  readonly #ids: EntryIds
  readonly #tiles: TileFiles
  readonly #edge: TreeEdge
  readonly #proofs: ProofSource
  readonly #commits: GroupCommit<Written>
  readonly #segments: KnownSegment[]
  #writer: SegmentWriter | undefined
  #next: number
  #previous: string
  #checkpoint: { readonly note: string; readonly size: number } | undefined
  #work: Promise<unknown> = Promise.resolve()
  #closeNext = false
  #closing: Promise<void> | undefined

  private constructor(
    opened: {
      readonly paths: LogPaths
      readonly identity: LogIdentity
      readonly lock: LogLock
      readonly tiles: TileFiles
      readonly found: FoundLog
      readonly writer: SegmentWriter | undefined
    },
    { now = Date.now, random = randomBytes, segment = {} }: AuditLogOptions
  ) {
    const { paths, identity, lock, tiles, found, writer } = opened
    this.origin = identity.origin
    this.#paths = paths
    this.#identity = identity
    this.#lock = lock
    this.#limits = { ...DEFAULT_LIMITS, ...segment }
    if (this.#limits.entries < 2) throw new RangeError('a segment takes at least 2 entries')
    this.#now = now
    this.#ids = new EntryIds(random)
    this.#tiles = tiles
    this.#edge = found.edge
    this.#proofs = new ProofSource(found.edge, tiles)
    this.#commits = new GroupCommit(batch => this.#commit(batch))
    this.#segments = found.segments
    this.#writer = writer
    this.#next = found.edge.size
    this.#previous = found.previous
    this.#checkpoint = found.checkpoint
  }

  /**
   * Opens the log in a folder for this process alone. A torn last line is cut off and recorded.
   * @throws SetupError `inUse`, `noInput`, `permission`; `badInput` for anything wrong, naming the first sequence.
   */
  static async open(folder: string, options: AuditLogOptions = {}): Promise<AuditLog> {
    const paths = logPaths(folder)
    const identity = await readLogIdentity(folder)
    const lock = await takeLogLock(paths.lock, folder)
    try {
      const tiles = new TileFiles(folder)
      const found = await findLog(paths, identity, tiles, tile => tiles.put(tile))
      const { last, torn } = found
      const writer = last && (await SegmentWriter.resume(segmentFolder(paths.segments, last.first), last))
      const log = new AuditLog({ paths, identity, lock, tiles, found, writer }, options)
      for (const event of options.first ?? []) await log.append(event)
      if (torn !== undefined) await log.append(auditEvent('torn_tail', 'node', torn))
      return log
    } catch (error) {
      await lock.release()
      throw systemError(folder, error)
    }
  }

  /** Entries that would survive a power cut. */
  get size(): number {
    return this.#edge.size
  }

  /** The first entry that was not pruned; equals `size` when there is none. */
  get first(): number {
    const kept = this.#segments.find(({ state }) => state !== 'pruned')
    return kept?.first ?? this.#writer?.state.first ?? this.#edge.size
  }

  /** Why nothing can be appended any more; undefined while the log works. */
  get failure(): unknown {
    return this.#commits.failure
  }

  /**
   * Appends an entry; resolves with its sequence once it would survive a power cut.
   * @throws OapError `saturated` when 65,536 wait; after a failed write, its SetupError for this and every later entry.
   */
  async append({ content }: AuditEvent): Promise<number> {
    if (this.#closing !== undefined) throw new OapError('draining', 'the audit log is closed')
    this.#commits.check()
    const seq = this.#next
    const ts = this.#now()
    const entry = encodeEntry(content, { seq, ts, id: this.#ids.next(), prev: this.#previous })
    this.#next = seq + 1
    this.#previous = entry.hash
    await this.#commits.add({ ...entry, ts })
    return seq
  }

  /**
   * The newest head as a signed note, over every entry that `size` counts. It is on disk, and the tiles it needs are in
   * their files, before it is given out.
   */
  checkpoint(): Promise<string> {
    return this.#alone(() => this.#signed())
  }

  /** The path from an entry to the root of the first `size` entries, by default of the newest checkpoint. */
  async inclusion(seq: number, size?: number): Promise<Proof> {
    const under = await this.#provable(size)
    if (seq >= under) throw new OapError('not_found', `entry ${seq}: the tree has ${under}`)
    return { size: under, hashes: await this.#proofs.prove(node => inclusionProof(seq, under, node)) }
  }

  /** That the first `to` entries, by default those of the newest checkpoint, begin with the first `from`. */
  async consistency(from: number, to?: number): Promise<Proof> {
    const size = await this.#provable(to)
    if (from > size) throw new OapError('not_found', `size ${from}: the tree has ${size}`)
    return { size, hashes: await this.#proofs.prove(node => consistencyProof(from, size, node)) }
  }

  /** The root of the first `size` entries. */
  async root(size: number): Promise<Uint8Array> {
    await this.#provable(size)
    return this.#proofs.prove(node => rootOf(size, node))
  }

  /** The hashes that lead from the entries `from` to `to` to the root of `size`. */
  async range(from: number, to: number, size?: number): Promise<Proof> {
    const under = await this.#provable(size)
    if (from >= to || to > under)
      throw new OapError('not_found', `entries ${from} to ${to}: the tree has ${under}`)
    return { size: under, hashes: await this.#proofs.prove(node => rangeProof(from, to, under, node)) }
  }

  /** @throws OapError `not_found` unless `lines` could read from `from` to before `to`. */
  checkRange(from: number, to: number): void {
    if (from > to || to > this.size)
      throw new OapError('not_found', `entries ${from} to ${to}: there are ${this.size}`)
    if (from < this.first && from < to)
      throw new OapError('not_found', `entry ${from}: pruned; the first is ${this.first}`)
  }

  /**
   * The lines of the entries from `from` to before `to`, in order and in pieces of some hundred, without line feeds.
   * @throws OapError `not_found` for entries that were pruned or are not durable yet.
   */
  async *lines(from: number, to: number = this.size): AsyncGenerator<readonly Buffer[]> {
    this.checkRange(from, to)
    for (const { first, end } of this.#folders()) {
      if (first >= to || end <= from) continue
      let seq = first
      for await (const { lines } of readLines(
        join(segmentFolder(this.#paths.segments, first), SEGMENT_FILES.entries)
      )) {
        const wanted = lines.slice(Math.max(0, from - seq), Math.max(0, to - seq))
        seq += lines.length
        if (wanted.length > 0) yield wanted
        if (seq >= to) break
      }
    }
  }

  /**
   * Seals the segments that are closed: their tiles are synced, a checkpoint covers them, an entry names them, and
   * `sha256.json` is signed by the log's key in minisign's form. Yields how many.
   */
  seal(): Promise<number> {
    return this.#alone(async () => {
      // Those that the entries about it close are for the next time.
      const closed = this.#segments.filter(({ state }) => state === 'closed')
      for (const segment of closed) {
        await this.#sealOne(segment)
        this.#segments[this.#segments.indexOf(segment)] = { ...segment, state: 'sealed' }
      }
      return closed.length
    })
  }

  /** The next entry begins a new segment, so that the one before it can be sealed. */
  closeSegment(): void {
    this.#closeNext = true
  }

  /**
   * Removes the entries of sealed segments that `retention` does not keep, oldest first; their hashes, records and seals
   * stay. One entry says so before anything is removed. Yields how many entries went.
   */
  prune(retention: Retention): Promise<number> {
    return this.#alone(async () => {
      const gone = segmentsToPrune(this.#segments, this.#writer?.state, retention, this.#now())
      const last = gone.at(-1)
      if (last === undefined) return 0
      const sum = (pick: (segment: KnownSegment) => number) =>
        gone.reduce((total, one) => total + pick(one), 0)
      const entries = sum(one => one.entries)
      const before = last.first + last.entries
      await this.append(auditEvent('prune', 'node', { before, entries, bytes: sum(one => one.bytes) }))
      for (const segment of gone) {
        await removeEntries(segmentFolder(this.#paths.segments, segment.first))
        this.#segments[this.#segments.indexOf(segment)] = { ...segment, state: 'pruned' }
      }
      return entries
    })
  }

  /** Signs a checkpoint and gives `copy` what it covers; until that has ended nothing is sealed or pruned. */
  copying<T>(copy: (extent: LogExtent) => Promise<T>): Promise<T> {
    return this.#alone(async () => {
      const folderOf = ({ first }: { readonly first: number }) => segmentFolder(this.#paths.segments, first)
      // Read in one turn with the size that is signed.
      const [size, segments, last] = [this.#edge.size, this.#segments.map(folderOf), this.#writer?.state]
      const open = last && { folder: folderOf(last), bytes: last.bytes }
      const checkpoint = await this.#signed()
      return copy({ folder: this.#paths.folder, checkpoint, size, segments, last: open })
    })
  }

  /** Waits for what was appended, signs a last checkpoint and frees the lock; safe to call twice. */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #close(): Promise<void> {
    await this.#commits.idle()
    try {
      if (this.#commits.failure === undefined) await this.checkpoint()
    } finally {
      await this.#writer?.close()
      await this.#lock.release()
    }
  }

  /** Checkpoints, seals and prunings go one after the other. */
  #alone<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#work.then(work)
    this.#work = done.catch(() => undefined)
    return done
  }

  async #commit(batch: readonly Written[]): Promise<void> {
    try {
      if (!this.#tiles.hasRoom) await this.#tiles.settle()
      const writer = await this.#writerFor(this.#edge.size)
      const bytes = Buffer.concat(batch.flatMap(({ line }) => [line, LINE_FEED]))
      const written = writer.append(bytes)
      // While the disk works.
      const leaves = batch.map(({ line }) => leafHash(line))
      writer.state.digest.update(bytes)
      await written
      for (const { line, hash, ts } of batch) noteEntry(writer.state, { bytes: line.length + 1, hash, ts })
      for (const leaf of leaves) this.#edge.append(leaf)
    } catch (error) {
      throw systemError(`audit log ${this.#paths.folder}`, error)
    }
  }

  async #writerFor(seq: number): Promise<SegmentWriter> {
    const writer = this.#writer
    if (writer !== undefined && !this.#isFull(writer.state)) return writer
    const begun = await SegmentWriter.create(this.#paths.segments, seq)
    await writer?.close()
    // In one turn, so that whoever reads finds each segment once.
    if (writer !== undefined) this.#segments.push({ ...recordOf(writer.state), state: 'closed' })
    this.#writer = begun
    this.#closeNext = false
    return begun
  }

  #isFull({ entries, bytes, first_ts }: SegmentState): boolean {
    const limits = this.#limits
    const isOld = this.#now() - first_ts >= limits.ageMs
    return entries > 0 && (this.#closeNext || isOld || entries >= limits.entries || bytes >= limits.bytes)
  }

  async #signed(): Promise<string> {
    const size = this.#edge.size
    if (this.#checkpoint?.size === size) return this.#checkpoint.note
    const root = this.#edge.root()
    const rows = Array.from({ length: this.#edge.levels }, (_, level) =>
      Uint8Array.from(this.#edge.row(level))
    )
    await this.#tiles.settle()
    await this.#tiles.putEdge(size, level => rows[level]!)
    const note = signCheckpoint({ origin: this.origin, size, root }, this.#identity.secretKey.key)
    await replaceFile(this.#paths.checkpoint, note)
    this.#checkpoint = { note, size }
    return note
  }

  async #sealOne(segment: KnownSegment): Promise<void> {
    const { first, entries, sha256 } = segment
    const end = first + entries
    const rows = new Map<number, Uint8Array>()
    for (const { level, index } of partialTiles(end)) rows.set(level, await this.#proofs.row(level, index))
    await this.#tiles.putEdge(end, level => rows.get(level)!)
    await this.#tiles.sync(first, end)
    const checkpoint = await this.#signed()
    await this.append(auditEvent('seal', 'node', { first, entries, sha256 }))
    await sealSegment(
      segmentFolder(this.#paths.segments, first),
      segment,
      checkpoint,
      this.#identity.secretKey
    )
  }

  async #provable(size: number | undefined): Promise<number> {
    if (size === undefined) {
      if (this.#checkpoint === undefined) await this.checkpoint()
      return this.#checkpoint?.size ?? 0
    }
    if (size <= this.size) return size
    throw new OapError('not_found', `size ${size}: there are ${this.size} entries`)
  }

  #folders(): { readonly first: number; readonly end: number }[] {
    const kept = this.#segments.filter(({ state }) => state !== 'pruned')
    const last = this.#writer?.state
    return [...kept, ...(last === undefined ? [] : [last])].map(({ first, entries }) => ({
      first,
      end: first + entries
    }))
  }
}
