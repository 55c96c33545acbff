/** Blocks of a DAG, each as often as it is named, and their bytes. Numbers stop growing at 2^53 - 1. */
export interface Totals {
  /** Blocks on the longest way down, both ends included. */
  readonly levels: number
  readonly blocks: number
  readonly bytes: number
}

/**
 * What an upload knows of one of its blocks: whether it holds the block itself or a node of the upload does, and, of a node
 * that is whole, what lies below it. `u8 state`, then maybe `u8 levels, f64 blocks, f64 bytes`.
 */
export interface HoldValue {
  readonly isHeld: boolean
  readonly totals: Totals | undefined
}

const HELD = 1
const SHORT = 1
const LONG = 18

export function encodeHold({ isHeld, totals }: HoldValue): Buffer {
  const bytes = Buffer.alloc(totals === undefined ? SHORT : LONG)
  bytes.writeUInt8(isHeld ? HELD : 0)
  if (totals === undefined) return bytes
  bytes.writeUInt8(totals.levels, 1)
  bytes.writeDoubleBE(totals.blocks, 2)
  bytes.writeDoubleBE(totals.bytes, 10)
  return bytes
}

export function decodeHold(bytes: Uint8Array): HoldValue {
  const value = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  // A hold without a value is one of a `put`.
  const isHeld = value.length === 0 || value.readUInt8(0) === HELD
  if (value.length !== LONG) return { isHeld, totals: undefined }
  const levels = value.readUInt8(1)
  return { isHeld, totals: { levels, blocks: value.readDoubleBE(2), bytes: value.readDoubleBE(10) } }
}

export const sum = (a: number, b: number): number => Math.min(Number.MAX_SAFE_INTEGER, a + b)

export const product = (a: number, b: number): number => Math.min(Number.MAX_SAFE_INTEGER, a * b)
