import createSodium from 'libsodium'

/** Larger records are OpenSSL's: there its vector code outweighs what a call into it costs. */
export const SMALL_RECORD_BYTES = 768

const KEY_BYTES = 32
const NONCE_BYTES = 12
const TAG_BYTES = 16
const MAX_AD_BYTES = 64
const OK = 0

const sodium = await createSodium()

/** Places in the module's memory; it is never grown, so that `memory` stays what it is. */
const key = sodium._malloc(KEY_BYTES)
const nonce = sodium._malloc(NONCE_BYTES)
const ad = sodium._malloc(MAX_AD_BYTES)
const input = sodium._malloc(SMALL_RECORD_BYTES + TAG_BYTES)
const output = sodium._malloc(SMALL_RECORD_BYTES + TAG_BYTES)
const memory = sodium.HEAPU8

/** What one record is sealed or opened with. `ad` is at most 64 bytes. */
export interface RecordKeys {
  readonly key: Uint8Array
  readonly nonce: Uint8Array
  readonly ad: Uint8Array
}

/** ChaCha20-Poly1305 (RFC 8439) of at most `SMALL_RECORD_BYTES`, in pieces; the tag comes last. */
export function sealSmall(pieces: Iterable<Uint8Array>, keys: RecordKeys): Uint8Array {
  const bytes = load(pieces, keys)
  const adBytes = keys.ad.byteLength
  sodium._crypto_aead_chacha20poly1305_ietf_encrypt(output, 0, input, bytes, 0, ad, adBytes, 0, 0, nonce, key)
  return pooled(bytes + TAG_BYTES)
}

/** The plaintext of a sealed record of at most `SMALL_RECORD_BYTES` and its tag. Throws when the tag does not match. */
export function openSmall(pieces: Iterable<Uint8Array>, keys: RecordKeys): Uint8Array {
  const bytes = load(pieces, keys)
  const adBytes = keys.ad.byteLength
  const result = sodium._crypto_aead_chacha20poly1305_ietf_decrypt(
    output,
    0,
    0,
    input,
    bytes,
    0,
    ad,
    adBytes,
    0,
    nonce,
    key
  )
  if (result !== OK) throw new Error('a record does not match its tag')
  return memory.slice(output, output + bytes - TAG_BYTES)
}

/** What is sealed leaves soon, so that it may share its buffer; what is opened may be kept, and has its own. */
function pooled(bytes: number): Uint8Array {
  const sealed = Buffer.allocUnsafe(bytes)
  sealed.set(memory.subarray(output, output + bytes))
  return sealed
}

function load(pieces: Iterable<Uint8Array>, keys: RecordKeys): number {
  memory.set(keys.key, key)
  memory.set(keys.nonce, nonce)
  if (keys.ad.byteLength > 0) memory.set(keys.ad, ad)
  let bytes = 0
  for (const piece of pieces) {
    memory.set(piece, input + bytes)
    bytes += piece.byteLength
  }
  return bytes
}
