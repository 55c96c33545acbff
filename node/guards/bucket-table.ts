import { TokenBucket } from '../../protocols/index.ts'

export interface Rate {
  readonly burst: number
  readonly perSecond: number
}

interface Entry {
  readonly key: string
  readonly bucket: TokenBucket
  /** Used just before this one. */
  older: Entry | undefined
  /** Used just after this one. */
  newer: Entry | undefined
}

/**
 * Token buckets by key, at most `capacity` of them: the one that was unused the longest makes way. While a forgotten
 * bucket would still be filling, new ones begin empty, so that nobody gains by making the table forget. Use changes no
 * Map: V8 rebuilds one that is deleted from and set again and again, and an iterator keeps all that it was before.
 */
export class BucketTable {
  readonly #capacity: number
  readonly #entries = new Map<string, Entry>()
  #oldest: Entry | undefined
  #newest: Entry | undefined
  #emptyUntil = -Infinity

  constructor(capacity: number) {
    this.#capacity = capacity
  }

  get size(): number {
    return this.#entries.size
  }

  /** The bucket of `key`, which keeps the rate that it was made with. */
  get(key: string, rate: Rate, now: number): TokenBucket {
    const known = this.#entries.get(key)
    if (known !== undefined) {
      if (known !== this.#newest) {
        this.#unlink(known)
        this.#linkNewest(known)
      }
      return known.bucket
    }
    if (this.#entries.size >= this.#capacity) this.#forgetOldest(now)
    const bucket = new TokenBucket(rate.burst, rate.perSecond, now, now < this.#emptyUntil ? 0 : rate.burst)
    const entry: Entry = { key, bucket, older: undefined, newer: undefined }
    this.#entries.set(key, entry)
    this.#linkNewest(entry)
    return bucket
  }

  /** Forgets a key whose rate no longer holds. */
  delete(key: string): void {
    const known = this.#entries.get(key)
    if (known === undefined) return
    this.#entries.delete(key)
    this.#unlink(known)
  }

  #forgetOldest(now: number): void {
    const oldest = this.#oldest
    if (oldest === undefined) return
    this.delete(oldest.key)
    const filling = oldest.bucket.msUntilFull(now)
    if (filling > 0) this.#emptyUntil = Math.max(this.#emptyUntil, now + filling)
  }

  #linkNewest(entry: Entry): void {
    entry.older = this.#newest
    if (this.#newest === undefined) this.#oldest = entry
    else this.#newest.newer = entry
    this.#newest = entry
  }

  /** Leaves the entry without neighbours, so that one that is gone holds no other. */
  #unlink(entry: Entry): void {
    const { older, newer } = entry
    if (older === undefined) this.#oldest = newer
    else older.newer = newer
    if (newer === undefined) this.#newest = older
    else newer.older = older
    entry.older = undefined
    entry.newer = undefined
  }
}
