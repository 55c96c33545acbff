import { SEAL_BYTES, seal, unseal } from '../mailbox/seal.ts'
import type { Codec } from './types.ts'

/** Where the bytes of a block are. */
export interface Place {
  readonly segment: number
  /** Of the bytes, behind the head of the record. */
  readonly offset: number
  readonly length: number
}

/** What is known of a block: `u32 segment, u32 offset, u32 length, u32 holds, u8 flags`, sealed. */
export interface BlockRow extends Place {
  /** Roots, nodes that name it, uploads, and a `put` of its own. At 0 it is as good as gone. */
  readonly holds: number
  readonly codec: Codec
  /** Whether it holds the blocks that it names: then every one of them is there. */
  readonly isWhole: boolean
  /** Whether rows say that it is a parent of those. */
  readonly isPublic: boolean
}

const BYTES = 17
const DAG_PB = 1
const WHOLE = 2
const PUBLIC = 4

export function encodeBlockRow(key: string, row: BlockRow): Buffer {
  const bytes = Buffer.allocUnsafe(SEAL_BYTES + BYTES)
  bytes.writeUInt32BE(row.segment, SEAL_BYTES)
  bytes.writeUInt32BE(row.offset, SEAL_BYTES + 4)
  bytes.writeUInt32BE(row.length, SEAL_BYTES + 8)
  bytes.writeUInt32BE(row.holds, SEAL_BYTES + 12)
  const flags =
    (row.codec === 'dag-pb' ? DAG_PB : 0) | (row.isWhole ? WHOLE : 0) | (row.isPublic ? PUBLIC : 0)
  bytes.writeUInt8(flags, SEAL_BYTES + 16)
  return seal(key, bytes)
}

/** The row, or what is wrong with it. */
export function decodeBlockRow(key: string, bytes: Uint8Array): BlockRow | string {
  const payload = unseal(key, bytes)
  if (typeof payload === 'string') return payload
  if (payload.length !== BYTES) return `${payload.length} bytes`
  const flags = payload.readUInt8(16)
  return {
    segment: payload.readUInt32BE(0),
    offset: payload.readUInt32BE(4),
    length: payload.readUInt32BE(8),
    holds: payload.readUInt32BE(12),
    codec: (flags & DAG_PB) === 0 ? 'raw' : 'dag-pb',
    isWhole: (flags & WHOLE) !== 0,
    isPublic: (flags & PUBLIC) !== 0
  }
}
