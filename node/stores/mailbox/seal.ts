import { crc32 } from 'node:zlib'
import { textCrc } from './text-crc.ts'

/**
 * Every row is `u8 version, u32 CRC-32 of the key and of what follows, payload`, numbers with the highest byte first. The
 * checksum finds decay and rows under a wrong key; whoever can write to the store can compute it too.
 */
export const SEAL_BYTES = 5
const VERSION = 1

/** Completes a row whose payload is already in place. */
export function seal(key: string, value: Buffer): Buffer {
  value[0] = VERSION
  value.writeUInt32BE(crc32(value.subarray(SEAL_BYTES), textCrc(key)), 1)
  return value
}

export function sealed(key: string, payload: Uint8Array): Buffer {
  const value = Buffer.allocUnsafe(SEAL_BYTES + payload.length)
  value.set(payload, SEAL_BYTES)
  return seal(key, value)
}

export const sealedJson = (key: string, payload: unknown): Buffer =>
  sealed(key, Buffer.from(JSON.stringify(payload)))

/** The row's payload, or what is wrong with it. */
export function unseal(key: string, bytes: Uint8Array): Buffer | string {
  const value = asBuffer(bytes)
  if (value.length < SEAL_BYTES) return 'cut short'
  if (value[0] !== VERSION) return `version ${value[0]} is unknown`
  const payload = value.subarray(SEAL_BYTES)
  return value.readUInt32BE(1) === crc32(payload, textCrc(key)) ? payload : 'the checksum is wrong'
}

/** The row's JSON, checked to have been written by `sealedJson`; undefined for a row that is not whole. */
export function unsealJson<T>(key: string, bytes: Uint8Array | undefined): T | undefined {
  if (bytes === undefined) return undefined
  const payload = unseal(key, bytes)
  return typeof payload === 'string' ? undefined : (JSON.parse(payload.toString()) as T)
}

export const asBuffer = (bytes: Uint8Array): Buffer =>
  Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
