import { type KeyObject, createHash, randomBytes } from 'node:crypto'
import {
  isSignedBy,
  isUsablePublicKey,
  publicBytes,
  signBytes,
  signingKey,
  verifyingKey
} from '../federation/index.ts'
import { MinisignError, decodeBase64, parseLines } from './minisign-text.ts'

export { MinisignError }

// Layouts: https://jedisct1.github.io/minisign/#format
const PLAIN = Buffer.from('Ed')
const PREHASHED = Buffer.from('ED')
const NO_KDF = Buffer.from([0, 0])
const PASSWORD_KDF = Buffer.from('Sc')
const CHECKSUM = Buffer.from('B2')
const KEY_ID_BYTES = 8
const PUBLIC_BYTES = 42
const SECRET_BYTES = 158
const SIGNATURE_BYTES = 74
const SECRET_OFFSET = {
  kdf: 2,
  checksumName: 4,
  salt: 6,
  keyId: 54,
  seed: 62,
  publicKey: 94,
  checksum: 126
} as const
const MAX_COMMENT_BYTES = 1024

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
  const bytes = Buffer.concat([PLAIN, NO_KDF, CHECKSUM, empty, keyId, seed, publicKey, Buffer.alloc(32)])
  // minisign finds unencrypted keys by the bytes behind this comment, and calls them encrypted in it nevertheless.
  const text = `untrusted comment: minisign encrypted secret key\n${bytes.toString('base64')}\n`
  bytes.fill(0)
  return { secretKey: { keyId, publicKey, key }, text }
}

/** @throws MinisignError for a damaged file, and for one that a password protects. */
export function parseSecretKey(text: string): MinisignSecretKey {
  const [encoded] = parseLines(text, ['untrusted comment: ', ''], 'secret key')
  const bytes = decodeBase64(encoded, SECRET_BYTES, 'secret key')
  try {
    return readSecret(bytes)
  } finally {
    bytes.fill(0)
  }
}

/** Whether a secret key file is whole and protected by a password, which only minisign itself can take off. */
export function isPasswordProtected(text: string): boolean {
  const [encoded] = parseLines(text, ['untrusted comment: ', ''], 'secret key')
  const bytes = decodeBase64(encoded, SECRET_BYTES, 'secret key')
  return bytes.subarray(SECRET_OFFSET.kdf, SECRET_OFFSET.checksumName).equals(PASSWORD_KDF)
}

function readSecret(bytes: Buffer): MinisignSecretKey {
  const at = SECRET_OFFSET
  if (!bytes.subarray(0, 2).equals(PLAIN))
    throw new MinisignError('secret key: not an Ed25519 key of minisign')
  if (!bytes.subarray(at.kdf, at.checksumName).equals(NO_KDF)) {
    throw new MinisignError('secret key: protected by a password; remove it with minisign -C -W')
  }
  if (!bytes.subarray(at.checksumName, at.salt).equals(CHECKSUM))
    throw new MinisignError('secret key: damaged')
  const key = signingKey(bytes.subarray(at.seed, at.publicKey))
  const publicKey = publicBytes(key)
  if (!bytes.subarray(at.publicKey, at.checksum).equals(publicKey))
    throw new MinisignError('secret key: damaged')
  return { keyId: Uint8Array.from(bytes.subarray(at.keyId, at.seed)), publicKey, key }
}

/** The public key file: a comment line, then the base64 of algorithm, key id and key. */
export function formatPublicKey({ keyId, publicKey }: MinisignPublicKey): string {
  return `untrusted comment: minisign public key ${keyIdText(keyId)}\n${publicKeyLine({ keyId, publicKey })}\n`
}

/** The base64 line alone, as `minisign -P` takes it. */
export function publicKeyLine({ keyId, publicKey }: MinisignPublicKey): string {
  return Buffer.concat([PLAIN, keyId, publicKey]).toString('base64')
}

/** Reads a public key file or its base64 line alone. @throws MinisignError */
export function parsePublicKey(text: string): MinisignPublicKey {
  const isFile = text.startsWith('untrusted comment: ')
  const [encoded] = isFile
    ? parseLines(text, ['untrusted comment: ', ''], 'public key')
    : parseLines(text, [''], 'public key')
  const bytes = decodeBase64(encoded, PUBLIC_BYTES, 'public key')
  const publicKey = Uint8Array.from(bytes.subarray(2 + KEY_ID_BYTES))
  if (!bytes.subarray(0, 2).equals(PLAIN))
    throw new MinisignError('public key: not an Ed25519 key of minisign')
  if (!isUsablePublicKey(publicKey)) throw new MinisignError('public key: not a usable Ed25519 key')
  return { keyId: Uint8Array.from(bytes.subarray(2, 2 + KEY_ID_BYTES)), publicKey }
}

/** The key id as minisign prints it: 16 upper-case hex digits, the last byte first. */
export function keyIdText(keyId: Uint8Array): string {
  return Buffer.from(keyId).reverse().toString('hex').toUpperCase()
}

/** The text of a `.minisig` file over `content`, prehashed, with a signed one-line comment of at most 1024 bytes. */
export function signFile(
  { keyId, key }: MinisignSecretKey,
  content: Uint8Array,
  { trustedComment }: { readonly trustedComment: string }
): string {
  const comment = Buffer.from(trustedComment)
  if (comment.length > MAX_COMMENT_BYTES || /[^\P{Cc}\t]/u.test(trustedComment)) {
    throw new RangeError(`a trusted comment is one line of at most ${MAX_COMMENT_BYTES} bytes`)
  }
  const signature = signBytes(key, prehash(content))
  const global = signBytes(key, Buffer.concat([signature, comment]))
  return [
    'untrusted comment: signature from minisign secret key',
    Buffer.concat([PREHASHED, keyId, signature]).toString('base64'),
    `trusted comment: ${trustedComment}`,
    `${Buffer.from(global).toString('base64')}\n`
  ].join('\n')
}

/**
 * The trusted comment of a `.minisig` file that fits key and content.
 * @throws MinisignError when it does not, naming which part; also for the older, unhashed kind of signature.
 */
export function verifyFile(
  { keyId, publicKey }: MinisignPublicKey,
  content: Uint8Array,
  signatureText: string
): string {
  const prefixes = ['untrusted comment: ', '', 'trusted comment: ', ''] as const
  const [encoded, trustedComment, globalText] = parseLines(signatureText, prefixes, 'signature')
  const bytes = decodeBase64(encoded, SIGNATURE_BYTES, 'signature')
  const global = decodeBase64(globalText, 64, 'global signature')
  if (!bytes.subarray(0, 2).equals(PREHASHED))
    throw new MinisignError('signature: not a prehashed Ed25519 signature')
  if (!bytes.subarray(2, 2 + KEY_ID_BYTES).equals(keyId))
    throw new MinisignError('signature: made with another key')
  const key = verifyingKey(publicKey)
  const signature = bytes.subarray(2 + KEY_ID_BYTES)
  if (!isSignedBy(key, prehash(content), signature))
    throw new MinisignError('signature: does not fit the file')
  const commented = Buffer.concat([signature, Buffer.from(trustedComment)])
  if (!isSignedBy(key, commented, global))
    throw new MinisignError('global signature: does not fit the comment')
  return trustedComment
}

function prehash(content: Uint8Array): Uint8Array {
  return createHash('blake2b512').update(content).digest()
}
