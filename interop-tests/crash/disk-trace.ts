import { readFileSync } from 'node:fs'

/** What a process did to the files of a folder, in order. `disk-shim.c` wrote it. */
export interface DiskStep {
  readonly is: StepKind
  /** Milliseconds of the monotonic clock. */
  readonly atMs: number
  readonly inode: number
  /** Where a write began, the length of a truncated file, or how many steps there were when a sync began. */
  readonly a: number
  readonly isDurable: boolean
  readonly isFolder: boolean
  readonly paths: readonly string[]
  readonly data: Uint8Array
}

const KINDS = [
  'create',
  'write',
  'truncate',
  'synced',
  'rename',
  'unlink',
  'link',
  'mkdir',
  'rmdir',
  'extend',
  'open'
] as const
export type StepKind = (typeof KINDS)[number]

const HEAD_BYTES = 32
const DURABLE = 1
const FOLDER = 2

/** The steps in a trace; one cut short by the death of the process is left out. */
export function readTrace(path: string): readonly DiskStep[] {
  const bytes = readFileSync(path)
  const steps: DiskStep[] = []
  for (let at = 0; at + HEAD_BYTES <= bytes.length;) {
    const end = at + bytes.readUInt32LE(at)
    if (end > bytes.length) break
    const flags = bytes.readUInt8(at + 5)
    const pathsEnd = at + HEAD_BYTES + bytes.readUInt16LE(at + 6)
    const paths = bytes.toString('utf8', at + HEAD_BYTES, pathsEnd)
    steps.push({
      is: KINDS[bytes.readUInt8(at + 4) - 1]!,
      atMs: Number(bytes.readBigUInt64LE(at + 8)) / 1e6,
      inode: Number(bytes.readBigUInt64LE(at + 16)),
      a: Number(bytes.readBigUInt64LE(at + 24)),
      isDurable: (flags & DURABLE) !== 0,
      isFolder: (flags & FOLDER) !== 0,
      paths: paths === '' ? [] : paths.split('\0'),
      data: bytes.subarray(pathsEnd, end)
    })
    at = end
  }
  return steps
}
