import { ID_LENGTH } from './keys.ts'
import { SEAL_BYTES, seal, unseal } from './seal.ts'

const HASH_BYTES = 32
const TIME_BYTES = 6

/** What is known of an idempotency key: the message it was given with, what that was, and until when it counts. */
export interface Known {
  readonly id: string
  readonly hash: Uint8Array
  /** Unix ms. */
  readonly untilMs: number
}

export function encodeKnown(key: string, { id, hash, untilMs }: Known): Buffer {
  const value = Buffer.allocUnsafe(SEAL_BYTES + TIME_BYTES + HASH_BYTES + ID_LENGTH)
  value.writeUIntBE(untilMs, SEAL_BYTES, TIME_BYTES)
  value.set(hash, SEAL_BYTES + TIME_BYTES)
  value.write(id, SEAL_BYTES + TIME_BYTES + HASH_BYTES, 'latin1')
  return seal(key, value)
}

/** Or what is wrong with the row. */
export function decodeKnown(key: string, bytes: Uint8Array): Known | string {
  const payload = unseal(key, bytes)
  if (typeof payload === 'string') return payload
  if (payload.length !== TIME_BYTES + HASH_BYTES + ID_LENGTH) return 'its length is wrong'
  return {
    untilMs: payload.readUIntBE(0, TIME_BYTES),
    hash: payload.subarray(TIME_BYTES, TIME_BYTES + HASH_BYTES),
    id: payload.toString('latin1', TIME_BYTES + HASH_BYTES)
  }
}
