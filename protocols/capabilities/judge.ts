import { OapError } from '../errors.ts'
import type { CaveatKey, CaveatValues } from './caveat.ts'
import { topicMatches } from './topic-pattern.ts'
import { denied } from './verified-token.ts'
import type { VerifiedToken } from './verified-token.ts'

/** Seconds by which the clocks of a hub and of those who narrow its tokens may differ. */
export const CLOCK_SKEW_S = 60

/** A call as a capability sees it. */
export interface CapabilityUse {
  readonly verb: string
  /** The `app_proto_id`. */
  readonly app: number
  readonly topic?: string | undefined
  /** The content id that the header names. */
  readonly content?: string | undefined
  /** What is known of the body's length when the call begins; 0 for nothing. */
  readonly bytes: number
  /** Whether the operation changes anything. */
  readonly writes: boolean
  /** The frame's `tenant_id`; undefined for 0. */
  readonly tenantId: Uint8Array | undefined
  /** The authenticated peer id of the connection. */
  readonly peer: string
  /** The hub id of the hub that is called. */
  readonly hub: string
  /** Unix seconds, by the clock that cannot be set back: see specs/capabilities.md, section 5.3. */
  readonly now: number
}

type Holds = { readonly [K in CaveatKey]?: (value: CaveatValues[K], use: CapabilityUse) => boolean }

/** Those that depend on the call. `expires` is judged before them, `tenant` against the token; the rest are limits. */
const HOLDS: Holds = {
  verb: (verbs, { verb }) => verbs.includes(verb),
  topic: (patterns, { topic }) =>
    topic !== undefined && patterns.some(pattern => topicMatches(pattern, topic)),
  app: (apps, { app }) => apps.includes(app),
  'not-before': (at, { now }) => now > at - CLOCK_SKEW_S,
  peer: (peer, use) => peer === use.peer,
  content: (ids, { content }) => content !== undefined && ids.includes(content),
  'max-bytes': (most, { bytes }) => bytes <= most,
  audience: (hub, use) => hub === use.hub,
  'read-only': (_, { writes }) => !writes
}

/**
 * Why the token does not allow this call, or undefined if it does: `cap_expired`, or `cap_denied` with the key of the
 * first caveat that fails. What it allows is bounded further by `token.limits`, which whoever counts enforces.
 * @see specs/capabilities.md, section 7
 */
export function refusalOf(token: VerifiedToken, use: CapabilityUse): OapError | undefined {
  if (token.unmet !== undefined) return denied(token.unmet)
  if (isOver(token.limits.expires, use.now))
    return new OapError('cap_expired', undefined, { reason: 'expires' })
  if (use.tenantId !== undefined && !isSame(use.tenantId, token.tenantId)) return denied('tenant')
  for (const { key, value } of token.caveats) {
    if (key === 'tenant' ? value !== token.tenant : HOLDS[key]?.(value as never, use) === false)
      return denied(key)
  }
  return undefined
}

const isOver = (expires: number, now: number): boolean => now >= expires + CLOCK_SKEW_S

function isSame(a: Uint8Array, b: Uint8Array): boolean {
  for (let i = 0; i < b.length; i++) if (a[i] !== b[i]) return false
  return a.length === b.length
}
