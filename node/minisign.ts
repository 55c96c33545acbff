import { createHash } from 'node:crypto'
import { isSignedBy, isUsablePublicKey, signBytes, verifyingKey } from '../federation/index.ts'
import type { MinisignPublicKey, MinisignSecretKey } from './minisign-secret.ts'
import { MinisignError, decodeBase64, parseLines } from './minisign-text.ts'

export { MinisignError }
export { generateMinisign, isPasswordProtected, minisignFromSeed, parseSecretKey } from './minisign-secret.ts'
export type { MinisignPublicKey, MinisignSecretFile, MinisignSecretKey } from './minisign-secret.ts'

// Layouts: https://jedisct1.github.io/minisign/#format
const PLAIN = Buffer.from('Ed')
const PREHASHED = Buffer.from('ED')
const KEY_ID_BYTES = 8
const PUBLIC_BYTES = 42
const SIGNATURE_BYTES = 74
const MAX_COMMENT_BYTES = 1024

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
  if (!Buffer.from(keyId).equals(signatureKeyId(signatureText)))
    throw new MinisignError('signature: made with another key')
  return verifyFileBy(publicKey, content, signatureText)
}

const SIGNATURE_LINES = ['untrusted comment: ', '', 'trusted comment: ', ''] as const

/** The key id that stands in a `.minisig` file; it proves nothing. @throws MinisignError for another form of file */
export function signatureKeyId(signatureText: string): Uint8Array {
  const [encoded] = parseLines(signatureText, SIGNATURE_LINES, 'signature')
  const bytes = decodeBase64(encoded, SIGNATURE_BYTES, 'signature')
  if (!bytes.subarray(0, 2).equals(PREHASHED))
    throw new MinisignError('signature: not a prehashed Ed25519 signature')
  return Uint8Array.from(bytes.subarray(2, 2 + KEY_ID_BYTES))
}

/** As `verifyFile`, by the key alone, whatever key id the file names. @throws MinisignError */
export function verifyFileBy(publicKey: Uint8Array, content: Uint8Array, signatureText: string): string {
  const [encoded, trustedComment, globalText] = parseLines(signatureText, SIGNATURE_LINES, 'signature')
  const bytes = decodeBase64(encoded, SIGNATURE_BYTES, 'signature')
  const global = decodeBase64(globalText, 64, 'global signature')
  if (!bytes.subarray(0, 2).equals(PREHASHED))
    throw new MinisignError('signature: not a prehashed Ed25519 signature')
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
