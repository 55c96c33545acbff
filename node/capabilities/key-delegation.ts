import type { KeyObject } from 'node:crypto'
import {
  DELEGATION_TAG,
  SIGNATURE_BYTES,
  canonicalJson,
  hubPublicKey,
  isSignedBy,
  isUsablePublicKey,
  signBytes,
  signedBytes,
  verifyingKey
} from '../../federation/index.ts'
import { exactly, matching, whole } from './strict-json.ts'

const MAX_CHARS = 4096
const MEMBERS = ['epoch', 'hub', 'key', 'node', 'not_after', 'not_before', 'role']
/** The bound keeps every value a valid Date. */
const MAX_TIME_S = 8_640_000_000_000

/** A hub's word that a key signs its revocations. Times are whole seconds since 1970. */
export type KeyStatement = {
  /** Where the list stood when this key replaced the one before: what that one signed further on is nobody's word. */
  readonly after?: { readonly digest: string; readonly seq: number }
  /** Counts per hub and node name, from 1. */
  readonly epoch: number
  readonly hub: string
  /** The Ed25519 public key in hex. */
  readonly key: string
  readonly node: string
  readonly not_after: number
  readonly not_before: number
  readonly role: 'revocation'
}

export interface KeyDelegation {
  readonly statement: KeyStatement
  readonly signature: Uint8Array
}

/** The statement signed with the hub key. */
export function delegateKey(hubKey: KeyObject, statement: KeyStatement): KeyDelegation {
  return { statement, signature: signBytes(hubKey, signedBytes(DELEGATION_TAG, statement)) }
}

/** The text of `revocation-delegation.json`: canonical JSON and a line feed. */
export function formatKeyDelegation({ statement, signature }: KeyDelegation): string {
  return `${canonicalJson({ signature: Buffer.from(signature).toString('base64'), statement })}\n`
}

/**
 * Reads what `formatKeyDelegation` writes, and only that form.
 * @throws SyntaxError saying what is wrong. Proves nothing yet: see `keyDelegationProblem`.
 */
export function parseKeyDelegation(text: string): KeyDelegation {
  if (text.length > MAX_CHARS) throw new SyntaxError(`longer than ${MAX_CHARS} characters`)
  const { statement, signature } = exactly(JSON.parse(text), ['signature', 'statement'])
  const isReplacing = typeof statement === 'object' && statement !== null && 'after' in statement
  const members = exactly(statement, isReplacing ? ['after', ...MEMBERS] : MEMBERS)
  const delegation: KeyDelegation = {
    statement: {
      ...(isReplacing && { after: placeOf(members['after']) }),
      epoch: whole(members, 'epoch', 1),
      hub: matching(members, 'hub', /^h1[a-z2-7]{52}$/),
      key: matching(members, 'key', /^[0-9a-f]{64}$/),
      node: matching(members, 'node', /^[a-z0-9-]{1,63}$/),
      not_after: whole(members, 'not_after', 1, MAX_TIME_S),
      not_before: whole(members, 'not_before', 1, MAX_TIME_S),
      role: matching(members, 'role', /^revocation$/) as 'revocation'
    },
    signature: Buffer.from(typeof signature === 'string' ? signature : '', 'base64')
  }
  if (delegation.signature.length !== SIGNATURE_BYTES)
    throw new SyntaxError('signature: expected 64 bytes in base64')
  if (formatKeyDelegation(delegation) !== text) throw new SyntaxError('not canonical JSON')
  return delegation
}

function placeOf(value: unknown): { readonly digest: string; readonly seq: number } {
  const members = exactly(value, ['digest', 'seq'])
  return { digest: matching(members, 'digest', /^[0-9a-f]{64}$/), seq: whole(members, 'seq', 0) }
}

/** Why a delegation is not its hub's word; undefined when it is. Its time is judged against each statement. */
export function keyDelegationProblem({ statement, signature }: KeyDelegation): string | undefined {
  const hubKey = hubPublicKey(statement.hub)
  if (hubKey === undefined) return 'its hub is not a hub id'
  if (!isSignedBy(verifyingKey(hubKey), signedBytes(DELEGATION_TAG, statement), signature))
    return `not signed by hub ${statement.hub}`
  if (!isUsablePublicKey(Buffer.from(statement.key, 'hex'))) return 'its key is not a usable Ed25519 key'
  return undefined
}
