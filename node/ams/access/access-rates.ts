/** Requests a minute, and as many at once where nothing was asked for that long. */
export interface PerMinute {
  /** Of requests that can change nothing. */
  readonly read: number
  readonly write: number
}

/** What a kind of callers may ask for. */
export interface CallerRates {
  /** From one address, or one /64 of IPv6. */
  readonly source: PerMinute
  /** From one source with one User-Agent. */
  readonly agent: PerMinute
  /** From all of them, for one tenant and app. */
  readonly tenantApp: PerMinute
  /** Under one token. */
  readonly token: PerMinute
}

export interface AccessRates {
  /** Of callers without a token: they share nothing with those who have one. */
  readonly anonymous: CallerRates
  /** Of callers with a token that is good. */
  readonly known: CallerRates
  /** Tokens that are not good, from one source a minute; beyond it no short token of it is taken, as it may be a guess. */
  readonly failedTokens: number
}

const OPEN: PerMinute = { read: 200, write: 30 }
const KNOWN: PerMinute = { read: 12_000, write: 6000 }
const ALL_OPEN: PerMinute = { read: 60_000, write: 6000 }
const ALL_KNOWN: PerMinute = { read: 600_000, write: 300_000 }

export const DEFAULT_RATES: AccessRates = {
  anonymous: { source: OPEN, agent: OPEN, tenantApp: ALL_OPEN, token: OPEN },
  known: { source: KNOWN, agent: KNOWN, tenantApp: ALL_KNOWN, token: KNOWN },
  failedTokens: 10
}
