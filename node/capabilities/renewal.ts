import { OapError, refusalOf } from '../../protocols/index.ts'
import type { CapabilityUse, Caveat, CaveatKey, VerifiedToken } from '../../protocols/index.ts'
import { MAX_KIDS } from './minted-list.ts'
import type { MintedRight } from './minted-list.ts'

/** Caveats that say who may use a token, where and when; the others say for what. */
const OF_THE_HOLDER: ReadonlySet<CaveatKey> = new Set(['expires', 'not-before', 'peer', 'audience', 'tenant'])

export interface Holder {
  /** As the secure channel proved it. */
  readonly peer: string
  /** The hub id of the hub that is asked. */
  readonly hub: string
  /** Unix seconds. */
  readonly now: number
}

/**
 * Why whoever shows a token may not use it at all, whatever for; undefined when they may. A call for renewal is judged
 * by this in the place of `refusalOf`: no token names the verb for it.
 */
export function holderRefusal(token: VerifiedToken, { peer, hub, now }: Holder): OapError | undefined {
  const caveats = token.caveats.filter(({ key }) => OF_THE_HOLDER.has(key))
  return refusalOf(
    { ...token, caveats },
    { verb: '', app: 0, bytes: 0, writes: false, tenantId: undefined, peer, hub, now }
  )
}

/** The same for a call that asks for a token of another hub, which the verbs of the token must name. */
export function obtainRefusal(token: VerifiedToken, use: CapabilityUse): OapError | undefined {
  const caveats = token.caveats.filter(({ key }) => key === 'verb' || OF_THE_HOLDER.has(key))
  return refusalOf({ ...token, caveats }, use)
}

export interface RenewalTerms {
  readonly caveats: readonly Caveat[]
  /** Of the new token, in Unix seconds. */
  readonly expires: number
}

/**
 * What a token says once it is renewed: the same, but for its first `expires`, which is the hub's own and gets a new
 * value. Further ones are the holder's and stay, so that what was narrowed is not widened again. They all come last, the
 * hub's before the others: then the names of buckets stay the same from one renewal to the next.
 * Throws `cap_expired`, or `cap_denied` with the reason why it cannot be renewed.
 */
export function renewalTerms(
  token: VerifiedToken,
  right: MintedRight | undefined,
  holder: Holder
): RenewalTerms {
  const refusal = holderRefusal(token, holder)
  if (refusal !== undefined) throw refusal
  const { renewUntil, peer, expires } = token.limits
  if (renewUntil === undefined) throw denied('renew-until', 'it was not minted to be renewed')
  if (peer === undefined) throw denied('peer', 'it is not bound to a peer')
  if (
    right === undefined ||
    right.tenant !== token.tenant ||
    !right.kids.includes(token.kid) ||
    right.kids.length >= MAX_KIDS
  )
    throw denied('renew-until', 'this hub does not know it well enough any more; have a new one minted')
  const ends = token.caveats.filter(({ key }) => key === 'expires')
  const [, ...narrowed] = ends
  const end = Math.min(renewUntil, ...narrowed.map(({ value }) => Number(value)))
  if (end <= expires || end <= holder.now)
    throw denied(end === renewUntil ? 'renew-until' : 'expires', 'it may not last any longer')
  const next = Math.max(Math.min(holder.now + right.ttlS, renewUntil), expires)
  const others = token.caveats.filter(({ key }) => key !== 'expires')
  return {
    caveats: [...others, { key: 'expires', value: next }, ...narrowed],
    expires: Math.min(next, end)
  }
}

const denied = (reason: string, why: string): OapError =>
  new OapError('cap_denied', `the capability cannot be renewed: ${why}`, { reason })
