const LEAST_MS = 0.01
/** Each bound is so much over the one before: 600 of them reach beyond the longest deadline. */
const STEP = 1.03
const BUCKETS = 600

export type Window = 'early' | 'late'

/** Times of one kind of call in one window, to 3 %, in constant memory. */
class Times {
  readonly #buckets = new Uint32Array(BUCKETS)
  #count = 0

  add(ms: number): void {
    const bucket = Math.ceil(Math.log(Math.max(ms, LEAST_MS) / LEAST_MS) / Math.log(STEP))
    this.#buckets[Math.min(bucket, BUCKETS - 1)]!++
    this.#count++
  }

  get count(): number {
    return this.#count
  }

  /** The upper bound of the bucket in which the quantile lies, in milliseconds; 0 where there are no times. */
  quantile(q: number): number {
    let left = Math.ceil(this.#count * q)
    for (const [bucket, count] of this.#buckets.entries()) {
      left -= count
      if (left <= 0 && this.#count > 0) return Number((LEAST_MS * STEP ** bucket).toPrecision(3))
    }
    return 0
  }
}

/** p50 and p99 in milliseconds, and how often they were taken. */
export interface Quantiles {
  readonly calls: number
  readonly p50: number
  readonly p99: number
}

/** How long calls took at the beginning of a run and at its end, by kind. */
export class Latencies {
  readonly #windowAt: () => Window | undefined
  readonly #times = new Map<string, Record<Window, Times>>()

  /** `windowAt` says in which window the present is, if in any. */
  constructor(windowAt: () => Window | undefined) {
    this.#windowAt = windowAt
  }

  add(kind: string, ms: number): void {
    const window = this.#windowAt()
    if (window === undefined) return
    let ofKind = this.#times.get(kind)
    if (ofKind === undefined) this.#times.set(kind, (ofKind = { early: new Times(), late: new Times() }))
    ofKind[window].add(ms)
  }

  /** By kind: both windows, and how many times as long the median and the p99 of the late one are. */
  report() {
    return Object.fromEntries(
      [...this.#times].map(([kind, { early, late }]) => {
        const [before, after] = [quantiles(early), quantiles(late)]
        return [
          kind,
          { early: before, late: after, p50: ratio(after.p50, before.p50), p99: ratio(after.p99, before.p99) }
        ]
      })
    )
  }
}

const quantiles = (times: Times): Quantiles => ({
  calls: times.count,
  p50: times.quantile(0.5),
  p99: times.quantile(0.99)
})

const ratio = (over: number, under: number): number | undefined =>
  under === 0 || over === 0 ? undefined : Number((over / under).toFixed(2))
