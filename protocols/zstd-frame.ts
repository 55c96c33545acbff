import { OapError } from './errors.ts'
import { readU32 } from './frame.ts'

const MAGIC = 0xfd2fb528
const RLE_BLOCK = 1
const RESERVED_BLOCK = 3
const MAX_BLOCK_BYTES = 131_072
export const MAX_WINDOW_BYTES = 8_388_608

const CONTENT_SIZE_BYTES = [0, 2, 4, 8] as const

const refuse = (why: string): never => {
  throw new OapError('bad_payload', `COMP: ${why}`)
}

/**
 * Throws `bad_payload` unless `b` is exactly one zstd frame: no skippable frame, no dictionary, a window of
 * at most 8 MiB, nothing missing and nothing behind it. Reads block headers only and inflates nothing.
 * @see RFC 8878, section 3.1.1
 */
export function checkZstdFrame(b: Uint8Array): void {
  if (b.length < 5 || readU32(b, 0) !== MAGIC) refuse('the body is not a zstd frame')
  const descriptor = b[4]!
  if ((descriptor & 0x08) !== 0) refuse('a reserved bit of the zstd frame header is set')
  if ((descriptor & 0x03) !== 0) refuse('zstd dictionaries are not taken')
  const single = (descriptor & 0x20) !== 0
  const sizeFlag = descriptor >> 6
  const sizeBytes = sizeFlag === 0 && single ? 1 : CONTENT_SIZE_BYTES[sizeFlag]!
  const windowBytes = single ? 0 : 1
  const blocks = 5 + windowBytes + sizeBytes
  if (blocks > b.length) refuse('the zstd frame header is cut off')
  const window = single ? contentSize(b, 5, sizeBytes) : windowSize(b[5]!)
  if (window > MAX_WINDOW_BYTES) refuse(`the zstd window is ${window} bytes, at most ${MAX_WINDOW_BYTES}`)
  const end = skipBlocks(b, blocks) + ((descriptor & 0x04) === 0 ? 0 : 4)
  if (end > b.length) refuse('the zstd frame is cut off')
  if (end < b.length) refuse('something follows the zstd frame')
}

function windowSize(descriptor: number): number {
  const base = 2 ** (10 + (descriptor >> 3))
  return base + (base / 8) * (descriptor & 7)
}

function contentSize(b: Uint8Array, at: number, bytes: number): number {
  let size = 0
  for (let i = bytes - 1; i >= 0; i--) size = size * 256 + b[at + i]!
  return bytes === 2 ? size + 256 : size
}

function skipBlocks(b: Uint8Array, from: number): number {
  let at = from
  for (;;) {
    if (at + 3 > b.length) return refuse('the zstd frame is cut off')
    const head = b[at]! | (b[at + 1]! << 8) | (b[at + 2]! << 16)
    const type = (head >> 1) & 3
    const size = head >> 3
    if (type === RESERVED_BLOCK || size > MAX_BLOCK_BYTES) refuse('a zstd block is not well formed')
    at += 3 + (type === RLE_BLOCK ? 1 : size)
    if ((head & 1) === 1) return at
  }
}
