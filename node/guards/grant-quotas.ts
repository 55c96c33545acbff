import { OapError, clampRetryAfter } from '../../protocols/index.ts'
import type { ServerCall, Spending, TokenBucket } from '../../protocols/index.ts'
import { BucketTable } from './bucket-table.ts'
import type { Rate } from './bucket-table.ts'
import type { Grant } from './grant.ts'
import { OpenCalls } from './open-calls.ts'

/** A linked hub that pays for calls. */
export type PayingHub = Pick<Grant, 'hub' | 'rates'>

/** Buckets kept of linked hubs: three of each, and those of treaties that were changed. */
const CAPACITY = 4096

/**
 * What a linked hub may spend under its grants, over all its connections. Its buckets are its own: it spends nothing of
 * the tenants of the shares, nor they of it.
 */
export class GrantQuotas {
  readonly #buckets = new BucketTable(CAPACITY)
  readonly #open = new OpenCalls()
  readonly #mostInFlight: number

  constructor({ mostInFlight }: { readonly mostInFlight: number }) {
    this.#mostInFlight = mostInFlight
  }

  /** Why the call must wait, or undefined when it was counted; `quota_capability`, with what is spent as reason. */
  refusal({ hub, rates }: PayingHub, call: ServerCall, isLong: boolean, now: number): OapError | undefined {
    const [all, long] = [`all ${hub}`, `long ${hub}`]
    if (this.#open.of(all) >= this.#mostInFlight) return spent('calls', 0)
    if (isLong && this.#open.of(long) >= rates.streams) return spent('streams', 0)
    const bytes = this.#bucket('bytes', hub, rates.bytes, now)
    const wait = this.#bucket('calls', hub, rates.calls, now).take(1, now)
    if (wait > 0) return spent('calls', wait)
    const waitForBytes = bytes.take(call.bytesIn, now)
    if (waitForBytes > 0) {
      this.#bucket('calls', hub, rates.calls, now).giveBack(1)
      return spent('bytes', waitForBytes)
    }
    this.#begin(isLong ? [all, long] : [all], call)
    call.spending = new HubSpending(bytes, () => this.#bucket('streams', hub, rates.bytes, now), now)
    return undefined
  }

  /** The same for a call that spends of its tenant and capability already: it spends of both. */
  besides(payer: PayingHub, call: ServerCall, isLong: boolean, now: number): OapError | undefined {
    const { spending: its, onOver } = call
    const refusal = this.refusal(payer, call, isLong, now)
    if (refusal !== undefined) return refusal
    const { spending: hubs, onOver: hubsOver } = call
    if (its !== undefined && hubs !== undefined) call.spending = new BothSpend(its, hubs)
    call.onOver = () => {
      onOver?.()
      hubsOver?.()
    }
    return undefined
  }

  /** The rate stands in the key, so that a new one begins with a bucket of its own. */
  #bucket(what: string, hub: string, rate: Rate, now: number): TokenBucket {
    return this.#buckets.get(`${hub} ${what} ${rate.burst} ${rate.perSecond}`, rate, now)
  }

  #begin(keys: readonly string[], call: ServerCall): void {
    for (const key of keys) this.#open.begin(key)
    call.onOver = () => {
      for (const key of keys) this.#open.end(key)
    }
  }
}

/** What a call spends beyond its START: of its hub's rates, which makes it wait. */
class HubSpending implements Spending {
  readonly #bytes: TokenBucket
  readonly #streams: () => TokenBucket
  readonly #now: number

  constructor(bytes: TokenBucket, streams: () => TokenBucket, now: number) {
    this.#bytes = bytes
    this.#streams = streams
    this.#now = now
  }

  spend(): boolean {
    return true
  }

  answered(bytes: number): void {
    // A bucket's time does not go back, so the call's own beginning will do.
    this.#bytes.charge(bytes, this.#now)
  }

  streamed(bytes: number, now: number): number {
    return this.#streams().charge(bytes, now)
  }
}

/** A call that two pay for; it waits for the slower one. */
class BothSpend implements Spending {
  readonly #one: Spending
  readonly #other: Spending

  constructor(one: Spending, other: Spending) {
    this.#one = one
    this.#other = other
  }

  spend(bytes: number): boolean {
    return this.#one.spend(bytes) && this.#other.spend(bytes)
  }

  answered(bytes: number): void {
    this.#one.answered(bytes)
    this.#other.answered(bytes)
  }

  streamed(bytes: number, now: number): number {
    return Math.max(this.#one.streamed(bytes, now), this.#other.streamed(bytes, now))
  }
}

const spent = (reason: string, wait: number): OapError =>
  new OapError('quota_capability', 'the hub has spent what the treaty allows it', {
    reason,
    retryAfterMs: clampRetryAfter(wait)
  })
