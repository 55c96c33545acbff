import { OapError, clampRetryAfter } from '../../protocols/index.ts'
import type { ServerCall, TokenBucket, VerifiedToken } from '../../protocols/index.ts'
import { BucketTable } from './bucket-table.ts'
import { OpenCalls } from './open-calls.ts'
import { SpentBytes } from './spent-bytes.ts'
import type { ByteAllowance } from './spent-bytes.ts'
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
  /** Calls of one tenant that may be open at one time. */
  readonly mostInFlight: number
}

/** Who pays for a call: a proved tenant, within what its capability allows. */
export interface Payer extends Pick<VerifiedToken, 'tenant'> {
  readonly limits: Pick<VerifiedToken['limits'], 'rates' | 'streams'>
}

/** What is known of a call that is charged, and what it is told then. */
export type Charging = Pick<ServerCall, 'app' | 'bytesIn' | 'onOver' | 'spending'>

/** The buckets that calls under one token to one app are charged to. */
interface Charged {
  readonly app: number
  readonly rates: TenantRates
  readonly tenantCalls: TokenBucket
  readonly tenantBytes: TokenBucket
  readonly tenantStreams: TokenBucket
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
  readonly #open = new OpenCalls()
  readonly #mostInFlight: number
  readonly #spent = new SpentBytes()
  readonly #charged = new WeakMap<Payer, Charged>()

  constructor({ tenant, mostInFlight }: TokenQuotasOptions) {
    this.#tenant = tenant
    this.#mostInFlight = mostInFlight
  }

  /** Why the call must wait, or undefined when it was counted: with `quota_tenant` or `quota_capability`. */
  refusal(token: Payer, call: Charging, isLong: boolean, now: number): OapError | undefined {
    if (isLong && this.#isFull(token)) return quota('quota_capability', 0)
    if (this.#open.of(token.tenant) >= this.#mostInFlight) return quota('quota_tenant', 0)
    const charged = this.#chargedBy(token, call.app, now)
    const { tenantCalls, tenantBytes, capability } = charged
    const tenant = takeBoth(tenantCalls, tenantBytes, call.bytesIn, now)
    if (tenant > 0) return quota('quota_tenant', tenant)
    const wait = takeEach(capability, now)
    if (wait > 0) {
      tenantCalls.giveBack(1)
      tenantBytes.giveBack(call.bytesIn)
      return quota('quota_capability', wait)
    }
    this.#begin(token, call, isLong)
    call.spending = new Spending(charged, undefined, now)
    return undefined
  }

  /** Lets the call spend of its capability's bytes; `cap_denied` when there are too few left for what it begins with. */
  allow(token: VerifiedToken, call: ServerCall, bodyBytes: number, nowS: number): OapError | undefined {
    if (token.limits.bytes.length === 0) return undefined
    const allowance = this.#spent.allowance(token, nowS)
    if (allowance?.spend(bodyBytes) !== true)
      return new OapError('cap_denied', 'the capability has spent its bytes', { reason: 'max-bytes' })
    call.spending = (call.spending as Spending).within(allowance)
    return undefined
  }

  /** What a tenant may spend on an app: the same object until that changes. */
  ratesOf(tenant: string, app: number): TenantRates {
    return this.#tenant(tenant, app)
  }

  #chargedBy(token: Payer, app: number, now: number): Charged {
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
      tenantStreams: of('streams', rates.bytes),
      capability: limits.rates.map(({ most, bucket }) =>
        this.#rates.get(bucket, { burst: most, perSecond: most }, now)
      )
    }
    this.#charged.set(token, charged)
    return charged
  }

  #isFull({ limits }: Payer): boolean {
    return limits.streams.some(({ most, bucket }) => this.#open.of(bucket) >= most)
  }

  #begin({ tenant, limits }: Payer, call: Charging, isLong: boolean): void {
    const keys = isLong ? [tenant, ...limits.streams.map(({ bucket }) => bucket)] : [tenant]
    for (const key of keys) this.#open.begin(key)
    call.onOver = () => {
      for (const key of keys) this.#open.end(key)
    }
  }
}

/** What a call spends beyond its START: of its tenant's rate, which makes it wait, of its capability's bytes while there are some. */
class Spending {
  readonly #charged: Charged
  readonly #allowance: ByteAllowance | undefined
  readonly #now: number

  constructor(charged: Charged, allowance: ByteAllowance | undefined, now: number) {
    this.#charged = charged
    this.#allowance = allowance
    this.#now = now
  }

  within(allowance: ByteAllowance): Spending {
    return new Spending(this.#charged, allowance, this.#now)
  }

  spend(bytes: number): boolean {
    return this.#allowance === undefined || this.#allowance.spend(bytes)
  }

  answered(bytes: number): void {
    // A bucket's time does not go back, so the call's own beginning will do.
    this.#charged.tenantBytes.charge(bytes, this.#now)
  }

  streamed(bytes: number, now: number): number {
    return this.#charged.tenantStreams.charge(bytes, now)
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
