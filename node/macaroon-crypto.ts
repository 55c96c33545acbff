import { createHmac, hash, randomBytes, timingSafeEqual } from 'node:crypto'
import { xsalsa20poly1305 } from '@noble/ciphers/salsa.js'
import type { MacaroonCrypto } from '../protocols/index.ts'

const BLOCK_BYTES = 64
const SHORT_BYTES = 4096
const inner = new Uint8Array(BLOCK_BYTES + SHORT_BYTES)
const outer = new Uint8Array(BLOCK_BYTES + 32)

/** What macaroons need, by Node; NaCl's secretbox by a library, as Node has none. */
export const nodeMacaroonCrypto: MacaroonCrypto = {
  hmacSha256,
  sha256,
  equal: timingSafeEqual,
  randomBytes: length => randomBytes(length),
  seal: (key, nonce, plain) => xsalsa20poly1305(key, nonce).encrypt(plain),
  open: (key, nonce, sealed) => {
    try {
      return xsalsa20poly1305(key, nonce).decrypt(sealed)
    } catch {
      return undefined
    }
  }
}

function sha256(bytes: Uint8Array): Uint8Array {
  return hash('sha256', bytes, 'buffer')
}

/** HMAC of two hashes at once: a `Hmac` object costs several times as much as a short message. */
function hmacSha256(key: Uint8Array, message: Uint8Array): Uint8Array {
  if (key.length > BLOCK_BYTES || message.length > SHORT_BYTES)
    return createHmac('sha256', key).update(message).digest()
  for (let i = 0; i < BLOCK_BYTES; i++) {
    const byte = i < key.length ? key[i]! : 0
    inner[i] = byte ^ 0x36
    outer[i] = byte ^ 0x5c
  }
  inner.set(message, BLOCK_BYTES)
  outer.set(sha256(inner.subarray(0, BLOCK_BYTES + message.length)), BLOCK_BYTES)
  return sha256(outer)
}
