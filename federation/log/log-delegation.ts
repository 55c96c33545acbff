import type { KeyObject } from 'node:crypto'
import { canonicalJson, isTextOf, signedBytes } from '../canonical.ts'
import { SIGNATURE_BYTES, isSignedBy, signBytes, verifyingKey } from '../ed25519.ts'
import { hubPublicKey } from '../hub-id.ts'
import { parseOrigin } from './origin.ts'
import { type NoteKey, parseVerifierKey } from './signed-note.ts'

/** First line of what the hub key signs for a log. */
export const LOG_DELEGATION_TAG = 'omnigate/audit-log/1'
const MAX_CHARS = 4096
const MEMBERS = ['hub', 'issued_s', 'key', 'role']

/** A hub's word that a key signs the checkpoints of one of its logs. It holds for that log alone, and without end. */
export type LogStatement = {
  readonly hub: string
  /** Whole seconds since 1970. */
  readonly issued_s: number
  /** The log's verifier key; its name is the log's origin. */
  readonly key: string
  readonly role: 'audit-log'
}

export interface LogDelegation {
  readonly statement: LogStatement
  readonly signature: Uint8Array
}

/** The statement signed with the hub key. */
export function delegateLog(hubKey: KeyObject, statement: LogStatement): LogDelegation {
  return { statement, signature: signBytes(hubKey, signedBytes(LOG_DELEGATION_TAG, statement)) }
}

/** The text of a log's `delegation.json`: canonical JSON and a line feed. */
export function formatLogDelegation({ statement, signature }: LogDelegation): string {
  return `${canonicalJson({ signature: Buffer.from(signature).toString('base64'), statement })}\n`
}

/**
 * The log key that a hub speaks for in the text of `delegation.json`.
 * @throws SyntaxError saying what is wrong: another form, another hub, another hub's log, or a signature that does not fit.
 */
export function readLogDelegation(text: string, hub: string): NoteKey {
  const { statement, signature } = parse(text)
  const hubKey = hubPublicKey(hub)
  if (hubKey === undefined) throw new SyntaxError(`${hub} is not a hub id`)
  if (statement.hub !== hub) throw new SyntaxError(`made by hub ${statement.hub}, not by ${hub}`)
  if (!isSignedBy(verifyingKey(hubKey), signedBytes(LOG_DELEGATION_TAG, statement), signature))
    throw new SyntaxError(`not signed by hub ${hub}`)
  const key = parseVerifierKey(statement.key)
  if (parseOrigin(key.name)?.hubId !== hub) throw new SyntaxError(`${key.name} is not a log of hub ${hub}`)
  return key
}

function parse(text: string): LogDelegation {
  if (text.length > MAX_CHARS) throw new SyntaxError(`longer than ${MAX_CHARS} characters`)
  const { statement, signature } = (JSON.parse(text) ?? {}) as {
    statement?: LogStatement | null
    signature?: unknown
  }
  if (
    typeof statement !== 'object' ||
    statement === null ||
    Object.keys(statement).sort().join() !== MEMBERS.join()
  )
    throw new SyntaxError(`expected a statement of ${MEMBERS.join(', ')}`)
  const { hub, issued_s, key, role } = statement
  if (
    typeof hub !== 'string' ||
    typeof key !== 'string' ||
    typeof signature !== 'string' ||
    role !== 'audit-log'
  )
    throw new SyntaxError('a member has the wrong form')
  if (!Number.isSafeInteger(issued_s) || issued_s < 0) throw new SyntaxError('issued_s: not a whole number')
  const delegation = { statement, signature: Buffer.from(signature, 'base64') }
  if (delegation.signature.length !== SIGNATURE_BYTES)
    throw new SyntaxError('signature: expected 64 bytes in base64')
  if (!isTextOf(text, () => formatLogDelegation(delegation))) throw new SyntaxError('not canonical JSON')
  return delegation
}
