import { type Hash, createHash } from 'node:crypto'
import { constants } from 'node:fs'
import { type FileHandle, mkdir, open, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { canonicalJson } from '../../federation/index.ts'
import { createFolder, isUnfinished, readBoundedFile } from '../durable-file.ts'
import { SetupError } from '../setup-error.ts'

// A write that returns as if fdatasync followed it: one system call instead of two. Windows knows none.
const WRITE_SYNCED = constants.O_DSYNC ?? 0
const NAME_DIGITS = 16
const MAX_RECORD_BYTES = 1024
const RECORD_FORM =
  /^\{"bytes":(\d{1,16}),"entries":(\d{1,16}),"first":(\d{1,16}),"first_ts":(\d{1,16}),"last_hash":"([0-9a-f]{64})","last_ts":(\d{1,16}),"sha256":"([0-9a-f]{64})"\}\n$/

/** Names of the files in a segment's folder. `sha256.json.minisig` is written last: a segment that has it is sealed. */
export const SEGMENT_FILES = {
  entries: 'entries.ndjson',
  record: 'segment.json',
  checkpoint: 'checkpoint',
  digests: 'sha256.json',
  signature: 'sha256.json.minisig'
} as const

/** What stands in a sealed segment's `segment.json`; it stays when the entries are pruned. */
export interface SegmentRecord {
  readonly first: number
  readonly entries: number
  readonly bytes: number
  readonly first_ts: number
  readonly last_ts: number
  /** The `hash` of its last entry, which the next segment's first one names. */
  readonly last_hash: string
  /** Of `entries.ndjson`. */
  readonly sha256: string
}

export interface SegmentFolder {
  readonly first: number
  readonly folder: string
  readonly hasEntries: boolean
  readonly isSealed: boolean
}

export function segmentFolder(segments: string, first: number): string {
  return join(segments, String(first).padStart(NAME_DIGITS, '0'))
}

/** The segments of a log in order. @throws SetupError `badInput` for a name that is none. */
export async function listSegments(segments: string): Promise<SegmentFolder[]> {
  const names = (await readdir(segments)).filter(name => !isUnfinished(name)).sort()
  return Promise.all(
    names.map(async name => {
      if (!/^\d{16}$/.test(name) || !Number.isSafeInteger(Number(name)))
        throw new SetupError('badInput', `${join(segments, name)}: not a segment; move it away`)
      const folder = join(segments, name)
      const files = await readdir(folder)
      return {
        first: Number(name),
        folder,
        hasEntries: files.includes(SEGMENT_FILES.entries),
        isSealed: files.includes(SEGMENT_FILES.signature)
      }
    })
  )
}

export function formatRecord(record: SegmentRecord): string {
  const { first, entries, bytes, first_ts, last_ts, last_hash, sha256 } = record
  return `${canonicalJson({ first, entries, bytes, first_ts, last_ts, last_hash, sha256 })}\n`
}

/** @throws SetupError `badInput` for another form than `formatRecord` writes. */
export async function readRecord(folder: string): Promise<SegmentRecord> {
  const path = join(folder, SEGMENT_FILES.record)
  const text = await readBoundedFile(path, { maxBytes: MAX_RECORD_BYTES })
  const [, bytes, entries, first, first_ts, last_hash = '', last_ts, sha256 = ''] =
    RECORD_FORM.exec(text) ?? []
  const record = {
    first: Number(first),
    entries: Number(entries),
    bytes: Number(bytes),
    first_ts: Number(first_ts),
    last_ts: Number(last_ts),
    last_hash,
    sha256
  }
  const numbers = [record.first, record.entries, record.bytes, record.first_ts, record.last_ts]
  if (numbers.every(Number.isSafeInteger) && formatRecord(record) === text) return record
  throw new SetupError('badInput', `${path}: damaged; restore it from a backup`)
}

/** What was written to a segment so far. */
export interface SegmentState {
  readonly first: number
  entries: number
  bytes: number
  first_ts: number
  last_ts: number
  last_hash: string
  readonly digest: Hash
}

export function emptyState(first: number): SegmentState {
  return { first, entries: 0, bytes: 0, first_ts: 0, last_ts: 0, last_hash: '', digest: createHash('sha256') }
}

export function recordOf({ digest, ...state }: SegmentState): SegmentRecord {
  return { ...state, sha256: digest.copy().digest('hex') }
}

/** Appends to `entries.ndjson` of one segment. */
export class SegmentWriter {
  readonly state: SegmentState
  readonly #file: FileHandle

  private constructor(file: FileHandle, state: SegmentState) {
    this.#file = file
    this.state = state
  }

  /** Begins a segment; resolves once its empty file would survive a power cut. */
  static async create(segments: string, first: number): Promise<SegmentWriter> {
    const folder = segmentFolder(segments, first)
    await createFolder(folder, { [SEGMENT_FILES.entries]: '' })
    return SegmentWriter.resume(folder, emptyState(first))
  }

  /** Goes on behind what `state` counted; what lies behind it in the file is cut off first. */
  static async resume(folder: string, state: SegmentState): Promise<SegmentWriter> {
    await mkdir(folder, { recursive: true, mode: 0o700 })
    const file = await open(join(folder, SEGMENT_FILES.entries), constants.O_RDWR | WRITE_SYNCED)
    const { size } = await file.stat()
    if (size > state.bytes) {
      await file.truncate(state.bytes)
      await file.sync()
    }
    return new SegmentWriter(file, state)
  }

  /** Resolves once the bytes would survive a power cut. `state` is the caller's to move on. */
  async append(bytes: Buffer): Promise<void> {
    for (let at = 0; at < bytes.length;) {
      const { bytesWritten } = await this.#file.write(bytes, at, bytes.length - at, this.state.bytes + at)
      at += bytesWritten
    }
    if (WRITE_SYNCED === 0) await this.#file.datasync()
  }

  close(): Promise<void> {
    return this.#file.close()
  }
}
