import { type KeyObject, createPrivateKey, createPublicKey, sign, verify } from 'node:crypto'
import { remembered } from './remembered.ts'

export const PUBLIC_KEY_BYTES = 32
export const SEED_BYTES = 32
export const SIGNATURE_BYTES = 64
/** Keys to verify with that are kept ready; making one costs a fifth of a verification. */
const MOST_KNOWN = 1024

const PKCS8_HEAD = Buffer.from('302e020100300506032b657004220420', 'hex')
const SPKI_HEAD = Buffer.from('302a300506032b6570032100', 'hex')

/** A signing key from its 32-byte seed (RFC 8032). */
export function signingKey(seed: Uint8Array): KeyObject {
  if (seed.length !== SEED_BYTES) throw new RangeError(`an Ed25519 seed has ${SEED_BYTES} bytes`)
  const der = Buffer.concat([PKCS8_HEAD, seed])
  try {
    return createPrivateKey({ key: der, format: 'der', type: 'pkcs8' })
  } finally {
    der.fill(0)
  }
}

/** The 32 bytes of the public key that belongs to a signing key. */
export function publicBytes(key: KeyObject): Uint8Array {
  const der = createPublicKey(key).export({ format: 'der', type: 'spki' })
  return Uint8Array.from(der.subarray(SPKI_HEAD.length))
}

/** A key to verify with. @throws RangeError for bytes that are no usable public key. */
export function verifyingKey(publicKey: Uint8Array): KeyObject {
  const key = known(Buffer.from(publicKey).toString('latin1'))
  if (key === undefined) throw new RangeError('not a usable Ed25519 public key')
  return key
}

const known = remembered(MOST_KNOWN, bytes => {
  const publicKey = Buffer.from(bytes, 'latin1')
  if (!isUsablePublicKey(publicKey)) return undefined
  return createPublicKey({ key: Buffer.concat([SPKI_HEAD, publicKey]), format: 'der', type: 'spki' })
})

export function signBytes(key: KeyObject, message: Uint8Array): Uint8Array {
  return sign(null, message, key)
}

export function isSignedBy(key: KeyObject, message: Uint8Array, signature: Uint8Array): boolean {
  return signature.length === SIGNATURE_BYTES && verify(null, message, key, signature)
}

// y coordinates of the points of order 1, 2, 4 and 8, little-endian, sign bit cleared: under such a key one signature
// fits many messages.
const SMALL_ORDER = new Set([
  '0000000000000000000000000000000000000000000000000000000000000000',
  '0100000000000000000000000000000000000000000000000000000000000000',
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f'
])
const FIELD_PRIME = 2n ** 255n - 19n

/** Whether 32 bytes may stand for a person or hub: canonical, and not a point under which forging is easy. */
export function isUsablePublicKey(bytes: Uint8Array): boolean {
  if (bytes.length !== PUBLIC_KEY_BYTES) return false
  const y = Buffer.from(bytes)
  y.writeUInt8(y.readUInt8(31) & 0x7f, 31)
  const value = BigInt(`0x${Buffer.from(y).reverse().toString('hex')}`)
  return value < FIELD_PRIME && !SMALL_ORDER.has(y.toString('hex'))
}
