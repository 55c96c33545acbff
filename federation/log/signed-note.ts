import type { KeyObject } from 'node:crypto'
import { isSignedBy, isUsablePublicKey, publicBytes, signBytes, verifyingKey } from '../ed25519.ts'
import { sha256 } from './merkle.ts'

const ED25519 = 0x01
const KEY_ID_BYTES = 4
const MAX_NOTE_BYTES = 65_536
const MAX_SIGNATURES = 64
const DASH = '\u2014'
const NAME = /^[^\s\u0085+]+$/u

/** A note that cannot be read, or that no known key signed. The message says which. */
export class NoteError extends Error {
  override readonly name = 'NoteError'
}

/** A key that signs notes under a name. Its id is 4 bytes in hex and proves nothing. */
export interface NoteKey {
  readonly name: string
  readonly keyId: string
  readonly publicKey: Uint8Array
}

export interface NoteSignature {
  readonly name: string
  readonly keyId: string
  readonly signature: Uint8Array
}

export interface Note {
  /** What is signed, its last line feed included. */
  readonly text: string
  readonly signatures: readonly NoteSignature[]
}

/** @throws NoteError for a name with white space or a plus. */
export function noteKey(name: string, publicKey: Uint8Array): NoteKey {
  if (!NAME.test(name) || !name.isWellFormed()) throw new NoteError(`${JSON.stringify(name)}: not a key name`)
  const id = sha256(Buffer.concat([Buffer.from(`${name}\n`), Buffer.of(ED25519), publicKey]))
  return { name, keyId: id.toString('hex', 0, KEY_ID_BYTES), publicKey }
}

/** The text of a verifier key: name, key id and base64 of the typed key, divided by plus signs. */
export function formatVerifierKey({ name, keyId, publicKey }: NoteKey): string {
  return `${name}+${keyId}+${Buffer.concat([Buffer.of(ED25519), publicKey]).toString('base64')}`
}

/** @throws NoteError for anything but an Ed25519 key whose id fits. */
export function parseVerifierKey(text: string): NoteKey {
  const [, name, keyId, encoded] = /^([^+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/]+={0,2})$/.exec(text) ?? []
  if (name === undefined || encoded === undefined) throw new NoteError('not a verifier key')
  const bytes = fromBase64(encoded)
  if (bytes?.[0] !== ED25519) throw new NoteError('verifier key: not an Ed25519 key')
  const publicKey = Uint8Array.from(bytes.subarray(1))
  if (!isUsablePublicKey(publicKey)) throw new NoteError('verifier key: not a usable Ed25519 key')
  const key = noteKey(name, publicKey)
  if (key.keyId !== keyId) throw new NoteError('verifier key: its id does not fit its name and key')
  return key
}

/** The text with one signature below it. @throws NoteError for text that a note cannot hold. */
export function signNote(text: string, name: string, key: KeyObject): string {
  const problem = textProblem(text)
  if (problem !== undefined) throw new NoteError(problem)
  const { keyId } = noteKey(name, publicBytes(key))
  const signature = Buffer.concat([Buffer.from(keyId, 'hex'), signBytes(key, Buffer.from(text))])
  return `${text}\n${DASH} ${name} ${signature.toString('base64')}\n`
}

/** Divides a note. Proves nothing yet: see `openNote`. @throws NoteError */
export function parseNote(note: string): Note {
  if (Buffer.byteLength(note) > MAX_NOTE_BYTES)
    throw new NoteError(`a note of more than ${MAX_NOTE_BYTES} bytes`)
  const end = note.lastIndexOf('\n\n')
  if (end < 0) throw new NoteError('no signatures below an empty line')
  const text = note.slice(0, end + 1)
  const problem = textProblem(text)
  if (problem !== undefined) throw new NoteError(problem)
  const lines = note.slice(end + 2).split('\n')
  if (lines.pop() !== '' || lines.length === 0) throw new NoteError('the last signature line does not end')
  if (lines.length > MAX_SIGNATURES) throw new NoteError(`more than ${MAX_SIGNATURES} signatures`)
  return { text, signatures: lines.map(parseSignature) }
}

/**
 * The text of a note that every given key signed which has a line in it, and at least one of them has. Lines of other
 * keys are ignored.
 * @throws NoteError
 */
export function openNote(note: string, keys: readonly NoteKey[]): string {
  const { text, signatures } = parseNote(note)
  let verified = 0
  for (const { name, keyId, signature } of signatures) {
    const key = keys.find(known => known.name === name && known.keyId === keyId)
    if (key === undefined) continue
    if (!isSignedBy(verifyingKey(key.publicKey), Buffer.from(text), signature))
      throw new NoteError(`the signature of ${name} does not fit the text`)
    verified++
  }
  if (verified > 0) return text
  throw new NoteError(`not signed by ${keys.map(({ name, keyId }) => `${name} (${keyId})`).join(', ')}`)
}

function textProblem(text: string): string | undefined {
  if (!text.endsWith('\n')) return 'the text of a note ends with a line feed'
  // eslint-disable-next-line no-control-regex -- these are what a note must not hold
  if (/[\u0000-\u0009\u000b-\u001f]/.test(text) || !text.isWellFormed())
    return 'the text of a note holds no control characters'
  return undefined
}

function parseSignature(line: string): NoteSignature {
  const [, name, encoded] = /^\u2014 (\S+) (\S+)$/u.exec(line) ?? []
  const bytes = encoded === undefined ? undefined : fromBase64(encoded)
  if (name === undefined || !NAME.test(name) || bytes === undefined || bytes.length <= KEY_ID_BYTES)
    throw new NoteError('a signature line is malformed')
  return {
    name,
    keyId: bytes.toString('hex', 0, KEY_ID_BYTES),
    signature: Uint8Array.from(bytes.subarray(KEY_ID_BYTES))
  }
}

function fromBase64(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, 'base64')
  return bytes.toString('base64') === text ? bytes : undefined
}
