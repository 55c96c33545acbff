import { inspectToken } from '../protocols/index.ts'

const LEAST_WAIT_MS = 1000
const MOST_WAIT_MS = 60_000

/** What a token says of its own end. */
export interface Life {
  /** Unix milliseconds. */
  readonly from: number
  /** Unix milliseconds; Infinity where it says none. */
  readonly until: number
  /** True when its hub may give the holder a later end: it is bound to a peer and was minted for that. */
  readonly isRenewable: boolean
}

/**
 * The life of a token as read, without proof. A renewed one keeps the time of its first minting, so whoever got it
 * just now says so by `since`. @throws OapError `cap_foreign` for what is no token
 */
export function lifeOf(token: Uint8Array, since?: number): Life {
  const { iat, limits } = inspectToken(token)
  const { expires, renewUntil, peer } = limits
  return {
    from: since ?? iat * 1000,
    until: expires * 1000,
    isRenewable: renewUntil !== undefined && peer !== undefined && expires < renewUntil
  }
}

/** When to renew: at two thirds of life. */
export const renewalTime = ({ from, until }: Life): number => from + ((until - from) * 2) / 3

/** When to try again after a renewal failed at `now`: in a fifth of what is left, and not for ever. */
export function nextRenewalTime({ until }: Life, now: number): number | undefined {
  if (now >= until) return undefined
  return now + Math.min(MOST_WAIT_MS, Math.max(LEAST_WAIT_MS, (until - now) / 5))
}
