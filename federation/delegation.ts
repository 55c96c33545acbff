import type { KeyObject } from 'node:crypto'
import { canonicalJson, signedBytes } from './canonical.ts'
import { SIGNATURE_BYTES, isSignedBy, signBytes, verifyingKey } from './ed25519.ts'
import { hubPublicKey } from './hub-id.ts'

/** First line of what a hub key signs here. */
export const DELEGATION_TAG = 'omnigate/delegation/1'
const MAX_CHARS = 4096
const SKEW_S = 60

/** A hub's word that a libp2p peer is one of its nodes. Times are whole seconds since 1970. */
export type LinkStatement = {
  readonly hub: string
  readonly node: string
  readonly role: 'link'
  readonly peer_id: string
  readonly not_before: number
  readonly not_after: number
  /** Counts per hub and node name, from 1. */
  readonly epoch: number
}

export interface Delegation {
  readonly statement: LinkStatement
  readonly signature: Uint8Array
}

/** The statement signed with the hub key. */
export function delegate(hubKey: KeyObject, statement: LinkStatement): Delegation {
  return { statement, signature: signBytes(hubKey, signedBytes(DELEGATION_TAG, statement)) }
}

/** The text of `delegation.json`: canonical JSON and a line feed. */
export function formatDelegation({ statement, signature }: Delegation): string {
  return `${canonicalJson({ signature: Buffer.from(signature).toString('base64'), statement })}\n`
}

/**
 * Reads what `formatDelegation` writes, and only that form, so that no two texts stand for one delegation.
 * @throws SyntaxError saying what is wrong. Proves nothing yet: see `delegationProblem`.
 */
export function parseDelegation(text: string): Delegation {
  if (text.length > MAX_CHARS) throw new SyntaxError(`longer than ${MAX_CHARS} characters`)
  const { statement, signature } = members(JSON.parse(text), ['signature', 'statement'])
  const fields = members(statement, ['epoch', 'hub', 'node', 'not_after', 'not_before', 'peer_id', 'role'])
  const link: LinkStatement = {
    hub: matching(fields, 'hub', /^h1[a-z2-7]{52}$/),
    node: matching(fields, 'node', /^[a-z0-9-]{1,63}$/),
    role: matching(fields, 'role', /^link$/) as 'link',
    peer_id: matching(fields, 'peer_id', /^[1-9A-HJ-NP-Za-km-z]{1,128}$/),
    not_before: natural(fields, 'not_before'),
    not_after: natural(fields, 'not_after'),
    epoch: natural(fields, 'epoch')
  }
  const delegation = { statement: link, signature: Buffer.from(String(signature), 'base64') }
  if (delegation.signature.length !== SIGNATURE_BYTES)
    throw new SyntaxError('signature: expected 64 bytes in base64')
  if (formatDelegation(delegation) !== text) throw new SyntaxError('not canonical JSON')
  return delegation
}

/** Why a delegation does not hold at a time (seconds since 1970, 60 s of skew allowed); undefined when it does. */
export function delegationProblem({ statement, signature }: Delegation, nowS: number): string | undefined {
  const key = hubPublicKey(statement.hub)
  if (key === undefined) return 'its hub is not a hub id; restore the keys from a backup'
  if (!isSignedBy(verifyingKey(key), signedBytes(DELEGATION_TAG, statement), signature)) {
    return `not signed by hub ${statement.hub}; restore the keys from a backup`
  }
  if (nowS < statement.not_before - SKEW_S)
    return `not valid before ${isoTime(statement.not_before)}; set the clock of this machine`
  if (nowS > statement.not_after + SKEW_S)
    return `expired at ${isoTime(statement.not_after)}; set the clock of this machine, or restore newer keys`
  return undefined
}

function isoTime(seconds: number): string {
  return new Date(seconds * 1000).toISOString()
}

type Members = Readonly<Record<string, unknown>>

function members(value: unknown, names: readonly string[]): Members {
  if (typeof value !== 'object' || value === null || Object.keys(value).sort().join() !== names.join()) {
    throw new SyntaxError(`expected an object of ${names.join(', ')}`)
  }
  return value as Members
}

function matching(fields: Members, name: string, form: RegExp): string {
  const value = fields[name]
  if (typeof value !== 'string' || !form.test(value)) throw new SyntaxError(`${name}: wrong form`)
  return value
}

// The bound keeps every value a valid Date.
function natural(fields: Members, name: string): number {
  const value = fields[name]
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 1 || value > 8_640_000_000_000) {
    throw new SyntaxError(`${name}: not a positive whole number in bounds`)
  }
  return value
}
