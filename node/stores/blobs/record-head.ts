import { crc32 } from 'node:zlib'

/**
 * In front of each block in a segment: `u32 magic, u32 length, 32 bytes digest, u32 CRC-32 of these`, numbers with the highest
 * byte first. What a block holds is proved by its digest.
 */
export const HEAD_BYTES = 44
const MAGIC = 0x6f67_6231
const DIGEST_BYTES = 32
const CHECK_AT = HEAD_BYTES - 4

export interface RecordHead {
  readonly digest: Uint8Array
  readonly length: number
}

export function writeHead(into: Buffer, at: number, { digest, length }: RecordHead): void {
  into.writeUInt32BE(MAGIC, at)
  into.writeUInt32BE(length, at + 4)
  into.set(digest, at + 8)
  into.writeUInt32BE(crc32(into.subarray(at, at + CHECK_AT)), at + CHECK_AT)
}

/** The head that begins there; undefined where none does. */
export function readHead(bytes: Buffer, at: number): RecordHead | undefined {
  if (at + HEAD_BYTES > bytes.length || bytes.readUInt32BE(at) !== MAGIC) return undefined
  if (bytes.readUInt32BE(at + CHECK_AT) !== crc32(bytes.subarray(at, at + CHECK_AT))) return undefined
  return { digest: bytes.subarray(at + 8, at + 8 + DIGEST_BYTES), length: bytes.readUInt32BE(at + 4) }
}
