import { OapError, clampRetryAfter } from '../../protocols/index.ts'
import type { ServerCall, VerifiedToken } from '../../protocols/index.ts'
import { BucketTable } from './bucket-table.ts'
import type { Rate } from './bucket-table.ts'

/** Buckets kept of capabilities and of tenants by app. */
const CAPACITY = 65_536

export interface TenantRates {
  readonly calls: Rate
  readonly bytes: Rate
}

export interface TokenQuotasOptions {
  /** What a tenant may spend for each app that it calls. */
  readonly tenant: (tenant: string, app: number) => TenantRates
}

/**
 * What a proved tenant and its capability may spend. Nothing here is charged to a name that a frame merely claims:
 * the tenant is the token's, and a capability's bucket hangs on the MAC chain up to its caveat, so that every copy
 * narrowed from it shares one.
 */
export class TokenQuotas {
  readonly #tenant: TokenQuotasOptions['tenant']
  readonly #rates = new BucketTable(CAPACITY)
  readonly #tenantCalls = new BucketTable(CAPACITY)
  readonly #tenantBytes = new BucketTable(CAPACITY)
  readonly #open = new Map<string, number>()

  constructor({ tenant }: TokenQuotasOptions) {
    this.#tenant = tenant
  }

  /** Why the call must wait, or undefined when it was counted: with `quota_tenant` or `quota_capability`. */
  refusal(token: VerifiedToken, call: ServerCall, isLong: boolean, now: number): OapError | undefined {
    const streams = isLong ? this.#fullStream(token) : undefined
    if (streams !== undefined) return streams
    const wait = this.#takeTenant(token.tenant, call, now)
    if (wait > 0) return quota('quota_tenant', wait)
    const capability = this.#takeRates(token, now)
    if (capability > 0) {
      this.#tenantCalls
        .get(key(token.tenant, call.app), this.#tenant(token.tenant, call.app).calls, now)
        .giveBack(1)
      return quota('quota_capability', capability)
    }
    if (isLong) this.#openStream(token, call)
    return undefined
  }

  /** A tenant's limits have changed or it is gone. */
  forgetTenant(tenant: string, apps: readonly number[]): void {
    for (const app of apps) {
      this.#tenantCalls.delete(key(tenant, app))
      this.#tenantBytes.delete(key(tenant, app))
    }
  }

  #takeTenant(tenant: string, call: ServerCall, now: number): number {
    const rates = this.#tenant(tenant, call.app)
    const calls = this.#tenantCalls.get(key(tenant, call.app), rates.calls, now)
    const wait = calls.take(1, now)
    if (wait > 0) return wait
    const bytes = this.#tenantBytes.get(key(tenant, call.app), rates.bytes, now).take(call.bytesIn, now)
    if (bytes > 0) calls.giveBack(1)
    return bytes
  }

  #takeRates({ limits }: VerifiedToken, now: number): number {
    for (const [i, { most, bucket }] of limits.rates.entries()) {
      const wait = this.#rateOf(bucket, most, now).take(1, now)
      if (wait === 0) continue
      for (const taken of limits.rates.slice(0, i)) this.#rateOf(taken.bucket, taken.most, now).giveBack(1)
      return wait
    }
    return 0
  }

  #rateOf(bucket: string, perSecond: number, now: number) {
    return this.#rates.get(bucket, { burst: perSecond, perSecond }, now)
  }

  #fullStream({ limits }: VerifiedToken): OapError | undefined {
    const isFull = limits.streams.some(({ most, bucket }) => (this.#open.get(bucket) ?? 0) >= most)
    return isFull ? quota('quota_capability', 0) : undefined
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

const key = (tenant: string, app: number): string => `${tenant} ${app}`

const quota = (code: 'quota_tenant' | 'quota_capability', wait: number): OapError =>
  new OapError(code, undefined, { retryAfterMs: clampRetryAfter(wait) })
