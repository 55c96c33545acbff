import { TokenBucket } from '../../protocols/index.ts'

export interface Rate {
  readonly burst: number
  readonly perSecond: number
}

/** Streams wait before they have taken this part of a burst of bytes, so that it is there for new calls. */
export const STREAMS_LEAVE = 0.25

/**
 * Token buckets by key, at most `capacity` of them: the one that was unused the longest makes way. While a forgotten
 * bucket would still be filling, new ones begin empty, so that nobody gains by making the table forget.
 */
export class BucketTable {
  readonly #capacity: number
  readonly #buckets = new Map<string, TokenBucket>()
  /** Stands before the oldest: what it has passed is gone, so that none is looked for among the gaps of the gone. */
  #oldest = this.#buckets.entries()
  #emptyUntil = -Infinity

  constructor(capacity: number) {
    this.#capacity = capacity
  }

  get size(): number {
    return this.#buckets.size
  }

  /** The bucket of `key`, which keeps the rate that it was made with. */
  get(key: string, rate: Rate, now: number): TokenBucket {
    const known = this.#buckets.get(key)
    if (known !== undefined) {
      this.#buckets.delete(key)
      this.#buckets.set(key, known)
      return known
    }
    if (this.#buckets.size >= this.#capacity) this.#forgetOldest(now)
    const bucket = new TokenBucket(rate.burst, rate.perSecond, now, now < this.#emptyUntil ? 0 : rate.burst)
    this.#buckets.set(key, bucket)
    return bucket
  }

  /** Forgets a key whose rate no longer holds. */
  delete(key: string): void {
    this.#buckets.delete(key)
  }

  #forgetOldest(now: number): void {
    let next = this.#oldest.next()
    if (next.done === true) {
      // It ends for good where a table was empty for a while.
      this.#oldest = this.#buckets.entries()
      next = this.#oldest.next()
      if (next.done === true) return
    }
    const [key, oldest] = next.value
    this.#buckets.delete(key)
    const filling = oldest.msUntilFull(now)
    if (filling > 0) this.#emptyUntil = Math.max(this.#emptyUntil, now + filling)
  }
}
