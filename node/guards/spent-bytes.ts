import { CLOCK_SKEW_S } from '../../protocols/index.ts'
import type { Limit, VerifiedToken } from '../../protocols/index.ts'

const CAPACITY = 65_536
/** Buckets of one right: holders may add caveats as they like, but not fill the table with them. */
const MOST_OF_A_RIGHT = 64

interface Spent {
  bytes: number
  readonly capId: string
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
  readonly #ofRight = new Map<string, number>()
  readonly #capacity: number
  #forgottenAt = -Infinity

  constructor(capacity = CAPACITY) {
    this.#capacity = capacity
  }

  /** What calls under the token share; undefined when there is nothing left, or no room to remember it. */
  allowance(token: VerifiedToken, nowS: number): ByteAllowance | undefined {
    const shared: (readonly [Spent, Limit])[] = []
    for (const limit of token.limits.bytes) {
      const spent = this.#of(limit.bucket, token, nowS)
      if (spent === undefined || spent.bytes >= limit.most) return undefined
      shared.push([spent, limit])
    }
    return {
      spend(bytes) {
        if (shared.some(([spent, { most }]) => spent.bytes + bytes > most)) return false
        for (const [spent] of shared) spent.bytes += bytes
        return true
      }
    }
  }

  #of(bucket: string, { capId, caveats }: VerifiedToken, nowS: number): Spent | undefined {
    // The first is the hub's own, which no holder can put another before.
    const until = caveats.find(({ key }) => key === 'expires')?.value as number
    const known = this.#buckets.get(bucket)
    if (known !== undefined) {
      known.until = Math.max(known.until, until)
      return known
    }
    if (!this.#hasRoom(capId)) this.#forgetExpired(nowS)
    if (!this.#hasRoom(capId)) return undefined
    const spent = { bytes: 0, capId, until }
    this.#buckets.set(bucket, spent)
    this.#ofRight.set(capId, (this.#ofRight.get(capId) ?? 0) + 1)
    return spent
  }

  #hasRoom(capId: string): boolean {
    return this.#buckets.size < this.#capacity && (this.#ofRight.get(capId) ?? 0) < MOST_OF_A_RIGHT
  }

  #forgetExpired(nowS: number): void {
    if (nowS <= this.#forgottenAt) return
    this.#forgottenAt = nowS
    for (const [bucket, { until, capId }] of this.#buckets) {
      if (until + CLOCK_SKEW_S >= nowS) continue
      this.#buckets.delete(bucket)
      const left = this.#ofRight.get(capId)! - 1
      if (left === 0) this.#ofRight.delete(capId)
      else this.#ofRight.set(capId, left)
    }
  }
}
