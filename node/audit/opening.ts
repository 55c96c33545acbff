import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { mkdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { NoteError, isSameHash, leafHash, openCheckpoint } from '../../federation/index.ts'
import type { Checkpoint } from '../../federation/index.ts'
import { readBoundedFile, removeUnfinished } from '../durable-file.ts'
import { SetupError } from '../setup-error.ts'
import { Chain, ChainError } from './chain.ts'
import { NO_PREVIOUS } from './entry.ts'
import { readLines } from './lines.ts'
import type { LogIdentity, LogPaths } from './log-folder.ts'
import {
  SEGMENT_FILES,
  type SegmentFolder,
  type SegmentRecord,
  type SegmentState,
  emptyState,
  listSegments,
  readRecord,
  recordOf
} from './segment.ts'
import { TILE_WIDTH } from './tile.ts'
import type { TileFiles } from './tile-files.ts'
import { type FullTile, TreeEdge } from './tree-edge.ts'

const MAX_NOTE_BYTES = 65_536
const LF = Buffer.from('\n')

/** The bytes of an entry that a crash had cut off. */
export interface TornTail {
  readonly bytes: number
  readonly sha256: string
}

export interface KnownSegment extends SegmentRecord {
  readonly state: 'pruned' | 'sealed' | 'closed'
}

/** A log as it was found: checked, and ready to be appended to. */
export interface FoundLog {
  /** All but the last, in order. */
  readonly segments: KnownSegment[]
  /** The one that is open; undefined in an empty log. */
  readonly last: SegmentState | undefined
  readonly edge: TreeEdge
  readonly previous: string
  readonly checkpoint: { readonly note: string; readonly size: number } | undefined
  readonly torn: TornTail | undefined
}

/**
 * Reads what is needed to go on: the records of sealed segments, the tiles at the edge, and the entries that no seal
 * covers, at most two segments of them. Tiles over those are written again where they are missing.
 * @throws SetupError `badInput` naming the first sequence that is wrong.
 */
export async function findLog(
  paths: LogPaths,
  { key }: LogIdentity,
  tiles: TileFiles,
  full: (tile: FullTile) => void
): Promise<FoundLog> {
  await mkdir(paths.segments, { recursive: true, mode: 0o700 })
  await removeUnfinished(paths.folder)
  await removeUnfinished(paths.segments)
  const folders = await listSegments(paths.segments)
  const note = await readNote(paths)
  const checkpoint = note === undefined ? undefined : openedCheckpoint(paths, note, key)
  const sealed = await sealedSegments(folders)
  const reader = new OpenSegments(paths, tiles, checkpoint)
  await reader.resume(sealed)
  const open = folders.slice(sealed.length)
  for (const [n, folder] of open.entries()) await reader.read(folder, n === open.length - 1)
  reader.finish(full)
  return {
    segments: [...sealed, ...reader.closed],
    last: reader.last,
    edge: reader.edge,
    previous: reader.previous,
    checkpoint: note === undefined ? undefined : { note, size: checkpoint!.size },
    torn: reader.torn
  }
}

async function readNote({ checkpoint }: LogPaths): Promise<string | undefined> {
  try {
    return await readBoundedFile(checkpoint, { maxBytes: MAX_NOTE_BYTES })
  } catch (error) {
    if (error instanceof SetupError && error.reason === 'noInput') return undefined
    throw error
  }
}

function openedCheckpoint(paths: LogPaths, note: string, key: LogIdentity['key']): Checkpoint {
  try {
    return openCheckpoint(note, key)
  } catch (error) {
    if (!(error instanceof NoteError)) throw error
    throw new SetupError('badInput', `${paths.checkpoint}: ${error.message}; restore it from a backup`)
  }
}

async function sealedSegments(folders: readonly SegmentFolder[]): Promise<KnownSegment[]> {
  const sealed: KnownSegment[] = []
  let next = 0
  for (const { folder, first, hasEntries, isSealed } of folders) {
    if (first !== next) throw missing(folder, next, first)
    if (!isSealed) break
    const record = await readRecord(folder)
    if (record.first !== first) throw new SetupError('badInput', `${folder}: the record of another segment`)
    if (hasEntries) await checkBytes(folder, record)
    else if (sealed.some(({ state }) => state === 'sealed'))
      throw missing(folder, first, first + record.entries)
    sealed.push({ ...record, state: hasEntries ? 'sealed' : 'pruned' })
    next = first + record.entries
  }
  return sealed
}

async function checkBytes(folder: string, { first, bytes }: SegmentRecord): Promise<void> {
  const { size } = await stat(join(folder, SEGMENT_FILES.entries))
  if (size === bytes) return
  throw new SetupError(
    'badInput',
    `${folder}: from entry ${first} on there are ${size} bytes, sealed were ${bytes}; see omnigate audit verify`
  )
}

function missing(folder: string, from: number, to: number): SetupError {
  return new SetupError(
    'badInput',
    `${folder}: entries ${from} to ${to - 1} are missing; see omnigate audit verify`
  )
}

/** Reads the segments that are not sealed, and brings chain, tree and tiles up to their end. */
class OpenSegments {
  readonly edge: TreeEdge
  readonly closed: KnownSegment[] = []
  last: SegmentState | undefined
  torn: TornTail | undefined
  readonly #paths: LogPaths
  readonly #tiles: TileFiles
  readonly #restored: FullTile[] = []
  readonly #checkpoint: Checkpoint | undefined
  #chain = new Chain()
  #full: (tile: FullTile) => void = tile => this.#restored.push(tile)

  constructor(paths: LogPaths, tiles: TileFiles, checkpoint: Checkpoint | undefined) {
    this.#paths = paths
    this.#tiles = tiles
    this.#checkpoint = checkpoint
    this.edge = new TreeEdge(tile => this.#full(tile))
  }

  get previous(): string {
    return this.#chain.previous ?? NO_PREVIOUS
  }

  async resume(sealed: readonly KnownSegment[]): Promise<void> {
    const newest = sealed.at(-1)
    if (newest !== undefined) {
      const size = newest.first + newest.entries
      if ((this.#checkpoint?.size ?? 0) < size)
        throw new SetupError(
          'badInput',
          `${this.#paths.checkpoint}: missing, or older than the seal of entry ${size - 1}; restore it from a backup`
        )
      this.#chain = new Chain(size, newest.last_hash)
      const rows = new Map<number, Uint8Array>()
      for (let level = 0; TILE_WIDTH ** level <= size; level++) rows.set(level, await this.#row(level, size))
      this.edge.resume(size, ({ level }) => rows.get(level)!)
    }
    this.#compare()
  }

  async #row(level: number, size: number): Promise<Uint8Array> {
    const hashes = Math.floor(size / TILE_WIDTH ** level)
    const width = hashes % TILE_WIDTH
    if (width === 0) return Buffer.alloc(0)
    const index = Math.floor(hashes / TILE_WIDTH)
    const row = await this.#tiles.read({ level, index, width })
    if (row !== undefined) return row
    const first = index * TILE_WIDTH ** (level + 1)
    throw new SetupError(
      'badInput',
      `${this.#paths.folder}: the tile of level ${level} over entry ${first} and the next is missing or cut; restore it from a backup`
    )
  }

  async read({ folder, first, hasEntries }: SegmentFolder, isLast: boolean): Promise<void> {
    if (first !== this.#chain.next) throw missing(folder, this.#chain.next, first)
    if (!hasEntries)
      throw new SetupError(
        'badInput',
        `${folder}: the entries from ${first} on are missing; see omnigate audit verify`
      )
    const state = emptyState(first)
    const path = join(folder, SEGMENT_FILES.entries)
    for await (const { lines, tail } of readLines(path)) {
      const isTorn = this.#takeAll(lines, state, { folder, isLast })
      await this.#restoreTiles()
      if (!isTorn && (tail === undefined || tail.length === 0)) continue
      this.torn = await this.#tornAt(path, state, isLast)
      break
    }
    if (isLast) this.last = state
    else this.closed.push({ ...recordOf(state), state: 'closed' })
  }

  /** From now on full tiles go where the caller says. @throws SetupError when the checkpoint covers more than there is. */
  finish(full: (tile: FullTile) => void): void {
    this.#full = full
    const covered = this.#checkpoint?.size ?? 0
    if (covered <= this.edge.size) return
    throw new SetupError(
      'badInput',
      `${this.#paths.folder}: the log ends before entry ${this.edge.size}, its checkpoint covers ${covered}; see omnigate audit verify`
    )
  }

  /** True when a line was never written whole, and what is behind it was never acknowledged. */
  #takeAll(
    lines: readonly Buffer[],
    state: SegmentState,
    { folder, isLast }: { readonly folder: string; readonly isLast: boolean }
  ): boolean {
    for (const line of lines) {
      try {
        this.#take(line, state)
      } catch (error) {
        if (!(error instanceof ChainError)) throw error
        // No line holds a zero byte; where a power cut came before a block of the last commit, it reads as zeros.
        if (isLast && line.includes(0) && this.#chain.next >= (this.#checkpoint?.size ?? 0)) return true
        throw new SetupError('badInput', `${folder}: ${error.message}; see omnigate audit verify`)
      }
    }
    return false
  }

  #take(line: Buffer, state: SegmentState): void {
    const { hash, ts } = this.#chain.take(line)
    noteEntry(state, { bytes: line.length + 1, hash, ts })
    state.digest.update(line).update(LF)
    this.edge.append(leafHash(line))
    this.#compare()
  }

  #compare(): void {
    const { size, root } = this.#checkpoint ?? {}
    if (root === undefined || size !== this.edge.size || isSameHash(root, this.edge.root())) return
    throw new SetupError(
      'badInput',
      `${this.#paths.folder}: entries 0 to ${size - 1} are not those that the checkpoint covers; see omnigate audit verify`
    )
  }

  async #tornAt(path: string, { bytes }: SegmentState, isLast: boolean): Promise<TornTail> {
    const sequence = this.#chain.next
    if (!isLast || sequence < (this.#checkpoint?.size ?? 0))
      throw new SetupError('badInput', `${path}: entry ${sequence} is cut off; see omnigate audit verify`)
    const digest = createHash('sha256')
    await pipeline(createReadStream(path, { start: bytes }), digest)
    const { size } = await stat(path)
    return { bytes: size - bytes, sha256: digest.digest('hex') }
  }

  async #restoreTiles(): Promise<void> {
    for (const tile of this.#restored.splice(0)) await this.#tiles.restore(tile)
  }
}

/** Counts an entry into the state of its segment. */
export function noteEntry(
  state: SegmentState,
  entry: { readonly bytes: number; readonly hash: string; readonly ts: number }
): void {
  if (state.entries === 0) state.first_ts = entry.ts
  state.entries++
  state.bytes += entry.bytes
  state.last_ts = entry.ts
  state.last_hash = entry.hash
}
