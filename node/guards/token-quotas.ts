import { OapError, clampRetryAfter } from '../../protocols/index.ts'
import type { ServerCall, TokenBucket, VerifiedToken } from '../../protocols/index.ts'
import { BucketTable } from './bucket-table.ts'
import { SpentBytes } from './spent-bytes.ts'
import type { Rate } from './bucket-table.ts'

/** Buckets kept of capabilities and of tenants by app. */
const CAPACITY = 65_536

/** What a tenant may spend on one app. */
export interface TenantRates {
  readonly calls: Rate
  readonly bytes: Rate
}

export interface TokenQuotasOptions {
  /** The same object until the rates of the tenant change. */
  readonly tenant: (tenant: string, app: number) => TenantRates
}

/** The buckets that calls under one token to one app are charged to. */
interface Charged {
  readonly app: number
  readonly rates: TenantRates
  readonly tenantCalls: TokenBucket
  readonly tenantBytes: TokenBucket
  readonly capability: readonly TokenBucket[]
}

/**
 * What a proved tenant and its capability may spend. Nothing here is charged to a name that a frame merely claims:
 * the tenant is the token's, and a capability's bucket hangs on the MAC chain up to its caveat, so that every copy
 * narrowed from it shares one.
 */
export class TokenQuotas {
  readonly #tenant: TokenQuotasOptions['tenant']
  readonly #rates = new BucketTable(CAPACITY)
  readonly #tenants = new BucketTable(CAPACITY)
  readonly #open = new Map<string, number>()
  readonly #spent = new SpentBytes()
  readonly #charged = new WeakMap<VerifiedToken, Charged>()

  constructor({ tenant }: TokenQuotasOptions) {
    this.#tenant = tenant
  }

  /** Why the call must wait, or undefined when it was counted: with `quota_tenant` or `quota_capability`. */
  refusal(token: VerifiedToken, call: ServerCall, isLong: boolean, now: number): OapError | undefined {
    if (isLong && this.#isFull(token)) return quota('quota_capability', 0)
    const { tenantCalls, tenantBytes, capability } = this.#chargedBy(token, call.app, now)
    const tenant = takeBoth(tenantCalls, tenantBytes, call.bytesIn, now)
    if (tenant > 0) return quota('quota_tenant', tenant)
    const wait = takeEach(capability, now)
    if (wait > 0) {
      tenantCalls.giveBack(1)
      tenantBytes.giveBack(call.bytesIn)
      return quota('quota_capability', wait)
    }
    if (isLong) this.#openStream(token, call)
    return undefined
  }

  /** Lets the call spend of its capability's bytes; `cap_denied` when there are too few left for what it begins with. */
  allow(token: VerifiedToken, call: ServerCall, bodyBytes: number, nowS: number): OapError | undefined {
    if (token.limits.bytes.length === 0) return undefined
    call.allowance = this.#spent.allowance(token, nowS)
    if (call.allowance?.spend(bodyBytes) === true) return undefined
    return new OapError('cap_denied', 'the capability has spent its bytes', { reason: 'max-bytes' })
  }

  #chargedBy(token: VerifiedToken, app: number, now: number): Charged {
    const rates = this.#tenant(token.tenant, app)
    const known = this.#charged.get(token)
    if (known !== undefined && known.app === app && known.rates === rates) return known
    const { tenant, limits } = token
    // The rates stand in the key, so that new ones begin with a bucket of their own.
    const of = (what: string, rate: Rate): TokenBucket =>
      this.#tenants.get(`${tenant} ${app} ${what} ${rate.burst} ${rate.perSecond}`, rate, now)
    const charged = {
      app,
      rates,
      tenantCalls: of('calls', rates.calls),
      tenantBytes: of('bytes', rates.bytes),
      capability: limits.rates.map(({ most, bucket }) =>
        this.#rates.get(bucket, { burst: most, perSecond: most }, now)
      )
    }
    this.#charged.set(token, charged)
    return charged
  }

  #isFull({ limits }: VerifiedToken): boolean {
    return limits.streams.some(({ most, bucket }) => (this.#open.get(bucket) ?? 0) >= most)
  }

  #openStream({ limits }: VerifiedToken, call: ServerCall): void {
    if (limits.streams.length === 0) return
    for (const { bucket } of limits.streams) this.#open.set(bucket, (this.#open.get(bucket) ?? 0) + 1)
    call.onOver = () => {
      for (const { bucket } of limits.streams) this.#closeStream(bucket)
    }
  }

  #closeStream(bucket: string): void {
    const left = (this.#open.get(bucket) ?? 1) - 1
    if (left === 0) this.#open.delete(bucket)
    else this.#open.set(bucket, left)
  }
}

function takeBoth(calls: TokenBucket, bytes: TokenBucket, size: number, now: number): number {
  const wait = calls.take(1, now)
  if (wait > 0) return wait
  const waitForBytes = bytes.take(size, now)
  if (waitForBytes > 0) calls.giveBack(1)
  return waitForBytes
}

/** One from each, or none from any. */
function takeEach(buckets: readonly TokenBucket[], now: number): number {
  for (let i = 0; i < buckets.length; i++) {
    const wait = buckets[i]!.take(1, now)
    if (wait === 0) continue
    for (let taken = 0; taken < i; taken++) buckets[taken]!.giveBack(1)
    return wait
  }
  return 0
}

const quota = (code: 'quota_tenant' | 'quota_capability', wait: number): OapError =>
  new OapError(code, undefined, { retryAfterMs: clampRetryAfter(wait) })
