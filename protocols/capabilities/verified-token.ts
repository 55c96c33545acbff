import { OapError } from '../errors.ts'
import { asciiText, hexText } from './ascii.ts'
import { parseCaveat } from './caveat.ts'
import type { Caveat, CaveatKey, CaveatValues, Origin, UnknownCaveat } from './caveat.ts'
import type { Macaroon, Token } from './macaroon.ts'
import type { TokenIdentifier } from './token-identifier.ts'
import type { Walked } from './walk.ts'

const BUCKET_BYTES = 16

/** One bound of what a capability may spend. Every one that stands in a token holds. */
export interface Limit {
  readonly most: number
  /**
   * Names what has been spent: the same for every copy that was narrowed from the token after this caveat.
   * Half of a MAC, and so nothing that a token could be made of.
   */
  readonly bucket: string
}

/** What holds for all calls under a token. */
export interface TokenLimits {
  /** Calls a second. */
  readonly rates: readonly Limit[]
  /** Calls open at one time that stream or subscribe. */
  readonly streams: readonly Limit[]
  /** Bytes of bodies, all in all. */
  readonly bytes: readonly Limit[]
  /** Unix seconds. */
  readonly expires: number
  readonly renewUntil: number | undefined
  readonly isReadOnly: boolean
  /** The peer that alone may use it; undefined for a bearer token. */
  readonly peer: string | undefined
  readonly origins: readonly Origin[]
}

/** A token whose chain is whole. What its caveats allow is judged for each call anew: see `refusalOf`. */
export interface VerifiedToken extends TokenIdentifier {
  /** The tenant's 16 bytes in the order of `tenant_id` on the wire. */
  readonly tenantId: Uint8Array
  /** Those of the macaroon, then those of its discharges, each in its order. */
  readonly caveats: readonly Caveat[]
  readonly limits: TokenLimits
  /** The caveat for which the token allows no call at all: one that nobody knows, or `expires` where it is missing. */
  readonly unmet: string | undefined
}

type Read = Pick<VerifiedToken, 'caveats' | 'limits' | 'unmet'>

/** The caveats of a token that has been walked. */
export function readCaveats({ macaroon, discharges }: Token, { links }: Pick<Walked, 'links'>): Read {
  const reading = new Reading()
  reading.take(macaroon, links.get(macaroon))
  for (const each of discharges) reading.take(each, links.get(each))
  return reading.result()
}

type Draft = {
  -readonly [K in keyof TokenLimits]: TokenLimits[K] extends readonly (infer T)[] ? T[] : TokenLimits[K]
}

/** What a caveat adds to the limits of its token; `link` is the MAC up to and including it. */
const NOTED: {
  readonly [K in CaveatKey]?: (draft: Draft, value: CaveatValues[K], link: Uint8Array) => void
} = {
  rate: (draft, most, link) => draft.rates.push(limit(most, link)),
  streams: (draft, most, link) => draft.streams.push(limit(most, link)),
  'max-bytes': (draft, most, link) => draft.bytes.push(limit(most, link)),
  expires: (draft, at) => (draft.expires = Math.min(draft.expires, at)),
  'renew-until': (draft, at) => (draft.renewUntil = Math.min(draft.renewUntil ?? at, at)),
  'read-only': draft => (draft.isReadOnly = true),
  peer: (draft, peer) => (draft.peer ??= peer),
  origin: (draft, origin) => draft.origins.push(origin)
}

const limit = (most: number, link: Uint8Array): Limit => ({ most, bucket: hexText(link, 0, BUCKET_BYTES) })

class Reading {
  readonly #caveats: Caveat[] = []
  readonly #limits: Draft = {
    rates: [],
    streams: [],
    bytes: [],
    expires: Infinity,
    renewUntil: undefined,
    isReadOnly: false,
    peer: undefined,
    origins: []
  }
  #unknown: string | undefined

  take({ caveats }: Macaroon, links: readonly Uint8Array[] = []): void {
    for (let i = 0; i < caveats.length; i++) {
      const { identifier, vid } = caveats[i]!
      if (vid === undefined) this.#takeOne(parseCaveat(asciiText(identifier) ?? ''), links[i]!)
    }
  }

  #takeOne(caveat: Caveat | UnknownCaveat, link: Uint8Array): void {
    if ('unknown' in caveat) {
      this.#unknown ??= caveat.unknown
      return
    }
    this.#caveats.push(caveat)
    NOTED[caveat.key]?.(this.#limits, caveat.value as never, link)
  }

  result(): Read {
    const limits = this.#limits
    return {
      caveats: this.#caveats,
      limits,
      unmet: this.#unknown ?? (limits.expires === Infinity ? 'expires' : undefined)
    }
  }
}

/** A caveat, named by its key, does not hold. */
export const denied = (key: string): OapError =>
  new OapError('cap_denied', `the capability does not allow this call: ${key}`, { reason: key })
