import type { KeyObject } from 'node:crypto'
import {
  SIGNATURE_BYTES,
  isSignedBy,
  isUsablePublicKey,
  publicBytes,
  signBytes,
  verifyingKey
} from '../ed25519.ts'
import { sha256 } from './merkle.ts'
import { type NoteKey, NoteError, noteKey, parseNote } from './signed-note.ts'

/** The type of a key that cosigns, in C2SP tlog-cosignature. */
const COSIGNATURE = 0x04
const KEY_ID_BYTES = 4
const TIME_BYTES = 8
const PUBLIC_KEY_BYTES = 32
const DASH = '\u2014'

/** A cosignature that fits. */
export interface Cosignature {
  /** The name of the key. */
  readonly name: string
  /** When the witness had seen the checkpoint and found it to go on from all before, in Unix seconds. */
  readonly at: number
}

/** The key of a witness under a name: its id differs from that of the same key as a log's. @throws NoteError */
export function cosigningKey(name: string, publicKey: Uint8Array): NoteKey {
  noteKey(name, publicKey)
  const id = sha256(Buffer.concat([Buffer.from(`${name}\n`), Buffer.of(COSIGNATURE), publicKey]))
  return { name, keyId: id.toString('hex', 0, KEY_ID_BYTES), publicKey }
}

/** The text of a witness's verifier key, as `formatVerifierKey` writes that of a log. */
export const formatCosigningKey = ({ name, keyId, publicKey }: NoteKey): string =>
  `${name}+${keyId}+${Buffer.concat([Buffer.of(COSIGNATURE), publicKey]).toString('base64')}`

/** @throws NoteError for anything but an Ed25519 key that cosigns, whose id fits. */
export function parseCosigningKey(text: string): NoteKey {
  const [, name, keyId, encoded] = /^([^+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/]+={0,2})$/.exec(text) ?? []
  if (name === undefined || encoded === undefined) throw new NoteError('not a verifier key')
  const bytes = Buffer.from(encoded, 'base64')
  if (
    bytes.toString('base64') !== encoded ||
    bytes.length !== 1 + PUBLIC_KEY_BYTES ||
    bytes[0] !== COSIGNATURE
  )
    throw new NoteError('verifier key: not the Ed25519 key of a witness')
  const publicKey = Uint8Array.from(bytes.subarray(1))
  if (!isUsablePublicKey(publicKey)) throw new NoteError('verifier key: not a usable Ed25519 key')
  const key = cosigningKey(name, publicKey)
  if (key.keyId !== keyId) throw new NoteError('verifier key: its id does not fit its name and key')
  return key
}

/** The signature line, with its line feed, of a witness that has seen the text of a checkpoint at a time (Unix seconds). */
export function cosign(text: string, name: string, key: KeyObject, atS: number): string {
  const { keyId } = cosigningKey(name, publicBytes(key))
  const time = Buffer.alloc(TIME_BYTES)
  time.writeBigUInt64BE(BigInt(atS))
  const signature = signBytes(key, cosigned(text, atS))
  return `${DASH} ${name} ${Buffer.concat([Buffer.from(keyId, 'hex'), time, signature]).toString('base64')}\n`
}

/**
 * The cosignatures of a note by the given keys, in the order of its lines. Lines of other keys are passed over.
 * @throws NoteError for a line of one of the keys that does not fit.
 */
export function cosignatures(note: string, keys: readonly NoteKey[]): readonly Cosignature[] {
  const { text, signatures } = parseNote(note)
  const found: Cosignature[] = []
  for (const { name, keyId, signature: bytes } of signatures) {
    const key = keys.find(known => known.name === name && known.keyId === keyId)
    if (key === undefined) continue
    const at = timeOf(bytes)
    const signature = bytes.subarray(TIME_BYTES)
    if (at === undefined || !isSignedBy(verifyingKey(key.publicKey), cosigned(text, at), signature))
      throw new NoteError(`the cosignature of ${name} does not fit the text`)
    found.push({ name, at })
  }
  return found
}

/** What a witness signs. */
const cosigned = (text: string, atS: number): Uint8Array =>
  Buffer.from(`cosignature/v1\ntime ${atS}\n${text}`)

function timeOf(bytes: Uint8Array): number | undefined {
  if (bytes.length !== TIME_BYTES + SIGNATURE_BYTES) return undefined
  const time = Buffer.from(bytes).readBigUInt64BE()
  return time > BigInt(Number.MAX_SAFE_INTEGER) ? undefined : Number(time)
}
