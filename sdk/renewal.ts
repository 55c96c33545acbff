import { OapError, clampRetryAfter, inspectToken } from '../protocols/index.ts'

const LEAST_WAIT_MS = 1000
const MOST_WAIT_MS = 60_000
const MOST_DOUBLINGS = 6

/** What a token says of its own end, by the clock of the hub that minted it. */
export interface Life {
  /** Unix milliseconds. */
  readonly from: number
  /** Unix milliseconds; Infinity where it says none. */
  readonly until: number
  /** True when its hub may give the holder a later end: it is bound to a peer and was minted for that. */
  readonly isRenewable: boolean
}

/**
 * The life of a token as read, without proof, from its first minting: a renewed one keeps that.
 * @throws OapError `cap_foreign` for what is no token
 */
export function lifeOf(token: Uint8Array): Life {
  const { iat, limits } = inspectToken(token)
  const { expires, renewUntil, peer } = limits
  return {
    from: iat * 1000,
    until: expires * 1000,
    isRenewable: renewUntil !== undefined && peer !== undefined && expires < renewUntil
  }
}

/** When to renew: at two thirds of life. */
export const renewalTime = ({ from, until }: Life): number => from + ((until - from) * 2) / 3

/** True for a token that came at `now` and would have to be replaced within a second. */
export const hardlyLasts = (life: Life, now: number): boolean => renewalTime(life) - now < LEAST_WAIT_MS

/**
 * Milliseconds from the `times`-th renewal in a row that failed, or brought what hardly lasts, until the next: twice as
 * many each time, from half of the bound on, up to a minute.
 */
export const renewalBackoff = (times: number, random: number): number =>
  Math.min(MOST_WAIT_MS, LEAST_WAIT_MS * 2 ** Math.min(times, MOST_DOUBLINGS)) * (0.5 + random / 2)

/** The same after a failure: sooner where little of life is left, and not sooner than the hub asked for. */
export function waitAfterFailure(error: unknown, times: number, leftMs: number, random: number): number {
  const soon = leftMs > 0 ? Math.max(LEAST_WAIT_MS, leftMs / 5) : Infinity
  const asked = error instanceof OapError ? error.retryAfterMs : undefined
  const wait = Math.min(renewalBackoff(times, random), soon)
  return asked === undefined ? wait : Math.max(wait, clampRetryAfter(asked))
}
