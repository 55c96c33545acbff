import { type KeyObject, randomBytes } from 'node:crypto'
import { publicBytes, signingKey } from '../federation/index.ts'
import { MinisignError, decodeBase64, parseLines } from './minisign-text.ts'

// Layout: https://jedisct1.github.io/minisign/#secret-key-format
const ED25519 = Buffer.from('Ed')
const NO_KDF = Buffer.from([0, 0])
const PASSWORD_KDF = Buffer.from('Sc')
const CHECKSUM = Buffer.from('B2')
const KEY_ID_BYTES = 8
const SECRET_BYTES = 158
const COMMENT = 'untrusted comment: '

/** Where the parts of a secret key file begin. */
export const SECRET_OFFSET = {
  kdf: 2,
  checksumName: 4,
  salt: 6,
  opsLimit: 38,
  memLimit: 46,
  /** From here to the end a password hides the bytes. */
  keyId: 54,
  seed: 62,
  publicKey: 94,
  checksum: 126,
  end: SECRET_BYTES
} as const

export interface MinisignPublicKey {
  /** 8 bytes, for people and for picking a key; proves nothing. */
  readonly keyId: Uint8Array
  readonly publicKey: Uint8Array
}

export interface MinisignSecretKey extends MinisignPublicKey {
  readonly key: KeyObject
}

export interface MinisignSecretFile {
  readonly secretKey: MinisignSecretKey
  /** The file to keep secret, in the form without a password that `minisign -W` writes. */
  readonly text: string
}

/** A new key. */
export function generateMinisign(random: (bytes: number) => Uint8Array = randomBytes): MinisignSecretFile {
  return minisignFromSeed(random(32), random(KEY_ID_BYTES))
}

/** The key of a 32-byte seed and an 8-byte key id. */
export function minisignFromSeed(seed: Uint8Array, keyId: Uint8Array): MinisignSecretFile {
  if (keyId.length !== KEY_ID_BYTES) throw new RangeError(`a minisign key id has ${KEY_ID_BYTES} bytes`)
  const key = signingKey(seed)
  const publicKey = publicBytes(key)
  const empty = Buffer.alloc(SECRET_OFFSET.keyId - SECRET_OFFSET.salt)
  const bytes = Buffer.concat([ED25519, NO_KDF, CHECKSUM, empty, keyId, seed, publicKey, Buffer.alloc(32)])
  const text = secretText(bytes)
  bytes.fill(0)
  return { secretKey: { keyId, publicKey, key }, text }
}

/** @throws MinisignError for a damaged file, and for one that a password protects. */
export function parseSecretKey(text: string): MinisignSecretKey {
  const bytes = secretBytes(text)
  try {
    if (isLocked(bytes)) throw new MinisignError('secret key: protected by a password')
    return readSecret(bytes)
  } finally {
    bytes.fill(0)
  }
}

/** Whether a secret key file is protected by a password. @throws MinisignError for a file of another form */
export function isPasswordProtected(text: string): boolean {
  const bytes = secretBytes(text)
  const isProtected = isLocked(bytes)
  bytes.fill(0)
  return isProtected
}

/** The bytes of a secret key file, for the caller to wipe; their sense is not looked at. @throws MinisignError */
export function secretBytes(text: string): Buffer {
  const [encoded] = parseLines(text, [COMMENT, ''], 'secret key')
  return decodeBase64(encoded, SECRET_BYTES, 'secret key')
}

/** The file that holds these bytes. */
export function secretText(bytes: Uint8Array): string {
  // minisign finds unencrypted keys by the bytes behind this comment, and calls them encrypted in it nevertheless.
  return `${COMMENT}minisign encrypted secret key\n${Buffer.from(bytes).toString('base64')}\n`
}

/** The key in bytes that no password hides, which are left as they are. @throws MinisignError */
export function readSecret(bytes: Buffer): MinisignSecretKey {
  const at = SECRET_OFFSET
  if (!bytes.subarray(0, at.kdf).equals(ED25519))
    throw new MinisignError('secret key: not an Ed25519 key of minisign')
  if (!bytes.subarray(at.kdf, at.checksumName).equals(NO_KDF))
    throw new MinisignError('secret key: damaged, or a newer form of minisign')
  if (!bytes.subarray(at.checksumName, at.salt).equals(CHECKSUM))
    throw new MinisignError('secret key: damaged')
  const key = signingKey(bytes.subarray(at.seed, at.publicKey))
  const publicKey = publicBytes(key)
  if (!bytes.subarray(at.publicKey, at.checksum).equals(publicKey))
    throw new MinisignError('secret key: damaged')
  return { keyId: Uint8Array.from(bytes.subarray(at.keyId, at.seed)), publicKey, key }
}

/** Whether a password hides the secret in these bytes. */
export function isLocked(bytes: Buffer): boolean {
  return bytes.subarray(SECRET_OFFSET.kdf, SECRET_OFFSET.checksumName).equals(PASSWORD_KDF)
}

/** Writes which key derivation hides the secret. */
export function markLocked(bytes: Buffer, locked: boolean): void {
  bytes.set(locked ? PASSWORD_KDF : NO_KDF, SECRET_OFFSET.kdf)
}
