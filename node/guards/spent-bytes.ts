import type { Limit, VerifiedToken } from '../../protocols/index.ts'

const CAPACITY = 65_536
/** As long as this a token is good beyond its end. */
const SKEW_S = 60

interface Spent {
  bytes: number
  /** Unix seconds, after which no token of this bucket is good. */
  until: number
}

/** What one call spends of its capability's bytes. */
export interface ByteAllowance {
  /** Counts bytes of a body; false when they are more than there were left. */
  spend(bytes: number): boolean
}

/**
 * Bytes of bodies that capabilities with `max-bytes` have spent, by bucket, until they expire; a restart forgets them.
 * When there are too many to remember, further ones are refused rather than forgotten.
 */
export class SpentBytes {
  readonly #buckets = new Map<string, Spent>()
  readonly #capacity: number

  constructor(capacity = CAPACITY) {
    this.#capacity = capacity
  }

  /** What calls under the token share; undefined when there is nothing left, or no room to remember it. */
  allowance({ limits, caveats }: VerifiedToken, nowS: number): ByteAllowance | undefined {
    // The hub's own `expires` stands in every copy, however short a holder made its life.
    const until = Math.max(...caveats.map(({ key, value }) => (key === 'expires' ? value : 0)))
    const shared: (readonly [Spent, Limit])[] = []
    for (const limit of limits.bytes) {
      const spent = this.#of(limit.bucket, until, nowS)
      if (spent === undefined || spent.bytes >= limit.most) return undefined
      shared.push([spent, limit])
    }
    return {
      spend(bytes) {
        for (const [spent] of shared) spent.bytes += bytes
        return shared.every(([spent, { most }]) => spent.bytes <= most)
      }
    }
  }

  #of(bucket: string, until: number, nowS: number): Spent | undefined {
    const known = this.#buckets.get(bucket)
    if (known !== undefined) {
      known.until = Math.max(known.until, until)
      return known
    }
    if (this.#buckets.size >= this.#capacity) this.#forgetExpired(nowS)
    if (this.#buckets.size >= this.#capacity) return undefined
    const spent = { bytes: 0, until }
    this.#buckets.set(bucket, spent)
    return spent
  }

  #forgetExpired(nowS: number): void {
    for (const [bucket, { until }] of this.#buckets) if (until + SKEW_S < nowS) this.#buckets.delete(bucket)
  }
}
