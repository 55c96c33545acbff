import { createCipheriv, createDecipheriv, createSecretKey } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import type { ICryptoInterface } from '@libp2p/noise'
import { defaultCrypto } from '@libp2p/noise/crypto'
import { Uint8ArrayList } from 'uint8arraylist'
import { openSmall, sealSmall, SMALL_RECORD_BYTES } from './small-records.ts'

const TAG_BYTES = 16
const ALGORITHM = 'chacha20-poly1305'
const OPTIONS = { authTagLength: TAG_BYTES } as const

/**
 * Noise's cryptography with libsodium's cipher for small records, where a call into OpenSSL costs more than the cipher,
 * and OpenSSL's for larger ones, with one key object per key: importing the key anew for each record costs more than
 * encrypting a small one. Key objects live as long as the key bytes that noise holds.
 */
export const cachedKeyCrypto: ICryptoInterface = {
  ...defaultCrypto,
  chaCha20Poly1305Encrypt(plaintext, nonce, ad, key) {
    if (plaintext.byteLength <= SMALL_RECORD_BYTES) return sealSmall(pieces(plaintext), { key, nonce, ad })
    const cipher = createCipheriv(ALGORITHM, keyObject(key), nonce, OPTIONS)
    if (ad.byteLength > 0) cipher.setAAD(ad, { plaintextLength: plaintext.byteLength })
    const sealed = new Uint8ArrayList()
    for (const piece of pieces(plaintext)) sealed.append(cipher.update(piece))
    cipher.final()
    sealed.append(cipher.getAuthTag())
    return sealed
  },
  chaCha20Poly1305Decrypt(ciphertext, nonce, ad, key) {
    const end = ciphertext.byteLength - TAG_BYTES
    if (end <= SMALL_RECORD_BYTES) return openSmall(pieces(ciphertext), { key, nonce, ad })
    const decipher = createDecipheriv(ALGORITHM, keyObject(key), nonce, OPTIONS)
    if (ad.byteLength > 0) decipher.setAAD(ad, { plaintextLength: end })
    decipher.setAuthTag(ciphertext.subarray(end))
    if (ciphertext instanceof Uint8Array) {
      const opened = decipher.update(ciphertext.subarray(0, end))
      decipher.final()
      return opened
    }
    const opened = new Uint8ArrayList()
    for (const piece of ciphertext.sublist(0, end)) opened.append(decipher.update(piece))
    decipher.final()
    return opened
  }
}

const keyObjects = new WeakMap<Uint8Array, KeyObject>()

function keyObject(key: Uint8Array): KeyObject {
  const known = keyObjects.get(key)
  if (known) return known
  const made = createSecretKey(key)
  keyObjects.set(key, made)
  return made
}

function pieces(bytes: Uint8Array | Uint8ArrayList): Iterable<Uint8Array> {
  return bytes instanceof Uint8Array ? [bytes] : bytes
}
