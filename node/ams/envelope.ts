import { createHash } from 'node:crypto'
import { canonicalJson } from '../../federation/index.ts'
import type { CanonicalValue } from '../../federation/index.ts'

/** How strictly envelopes are read. */
export type Validation = 'lenient' | 'standard' | 'strict'

type CanonicalObject = Readonly<Record<string, CanonicalValue>>

/** What of an envelope never changes; what a lenient hub did not get is not there. */
export interface Immutable {
  readonly id: string
  readonly created_at: string
  readonly type: string
  readonly thread?: string | undefined
  readonly from?: string | undefined
  readonly to?: string | undefined
  readonly payload?: CanonicalObject | undefined
}

/** As much of it as was sent. */
export type SomeImmutable = { readonly [K in keyof Immutable]?: Immutable[K] | undefined }

export interface EnvelopeProof {
  readonly alg: 'Ed25519' | 'HMAC-SHA256'
  /** The public key in hex, or the name of a secret. */
  readonly key: string
  readonly sig: string
  /** That the hub made it. */
  readonly server?: true
}

const IMMUTABLE = ['created_at', 'from', 'id', 'payload', 'thread', 'to', 'type'] as const
const TAG = 'AMS-ENVELOPE-V1'

/** What never changes, without all else. */
export function immutableObject(envelope: {
  readonly [K in keyof Immutable]?: CanonicalValue | undefined
}): CanonicalObject {
  const members = IMMUTABLE.flatMap(name => {
    const value = envelope[name]
    return value === undefined ? [] : [[name, value] as const]
  })
  return Object.fromEntries(members)
}

/** The canonical JSON of what never changes. @see specs/ams.md, section 3 */
export const immutableText = (envelope: Partial<Immutable>): string =>
  canonicalJson(immutableObject(envelope))

/** `sha256` of an envelope, 64 hex digits. */
export const digestOf = (envelope: Immutable): string =>
  createHash('sha256').update(immutableText(envelope)).digest('hex')

/** What proofs are made over. @see specs/ams.md, section 4 */
export const provenBytes = (envelope: Immutable): Buffer => Buffer.from(`${TAG}\n${immutableText(envelope)}`)

/** What a hub has of an envelope that was posted. */
export interface StoredImmutable {
  readonly immutable: Immutable
  readonly sha256: string
  readonly isRedacted?: true
}

/**
 * Whether every member that was posted is the stored one: a repost may leave out what the hub gave. The payload of one that was
 * redacted is told by the digest.
 */
export function isRepostOf(
  posted: SomeImmutable,
  { immutable: stored, sha256, isRedacted }: StoredImmutable
): boolean {
  const { payload } = posted
  const isGone = isRedacted === true
  if (isGone && payload !== undefined && digestOf({ ...stored, payload }) !== sha256) return false
  return IMMUTABLE.every(name => {
    const value = posted[name]
    const isTold = value === undefined || (isGone && name === 'payload')
    return isTold || canonicalJson(value) === canonicalJson(stored[name] ?? null)
  })
}
