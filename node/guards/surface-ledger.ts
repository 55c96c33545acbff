import { OapError } from '../../protocols/index.ts'
import type { Charging, Payer, TenantRates, TokenQuotas } from './token-quotas.ts'

/** Of the tenant's rate, what callers without a token may ask for all in all: the rest is left to the others. */
const STRANGERS_PART = 0.5
const NO_STREAMS = [] as const

export interface SurfaceLedgerOptions {
  /** Those that calls over OAP are charged to. */
  readonly quotas: Pick<TokenQuotas, 'refusal' | 'ratesOf'>
  /** The id of the tenant in whose name callers act who show no capability; undefined while it is not there. */
  readonly tenant: () => string | undefined
  /** The `app_proto_id` of the surface. */
  readonly app: number
  /** Milliseconds that never go back. */
  readonly now: () => number
}

/** Who asks over HTTP, and how much comes with it. */
export interface SurfaceRequest {
  /** The capability that was shown. */
  readonly token: Payer | undefined
  /** Whether it has shown a capability or a token of the operator. */
  readonly isKnown: boolean
  readonly bytes: number
}

/** Ends a request; told the bytes that were not known when it began. */
export type RequestOver = (bytes: number) => void

/**
 * What requests over HTTP that are no calls of OAP spend of the same quotas: those of their tenant for the app, and of their
 * capability for all that it is used for. Callers without a token spend of the tenant's too, and of no more than half.
 */
export class SurfaceLedger {
  readonly #o: SurfaceLedgerOptions
  #tenant: Payer | undefined
  #strangers: { readonly rates: TenantRates; readonly payer: Payer } | undefined
  #open = 0

  constructor(options: SurfaceLedgerOptions) {
    this.#o = options
  }

  /** Requests under way. */
  get open(): number {
    return this.#open
  }

  /** Why a request must wait, with `quota_tenant` or `quota_capability`; else it is counted until what this yields is called, once. */
  begin({ token, isKnown, bytes }: SurfaceRequest): OapError | RequestOver {
    const payer = token ?? this.#payerOf(isKnown)
    const call: Charging = { app: this.#o.app, bytesIn: bytes, onOver: undefined, spending: undefined }
    const refusal = payer && this.#o.quotas.refusal(payer, call, false, this.#o.now())
    if (refusal !== undefined) return isKnown ? refusal : ofStrangers(refusal)
    this.#open++
    return answered => {
      this.#open--
      call.spending?.answered(answered)
      call.onOver?.()
    }
  }

  #payerOf(isKnown: boolean): Payer | undefined {
    const tenant = this.#o.tenant()
    if (tenant === undefined) return undefined
    if (this.#tenant?.tenant !== tenant) {
      this.#tenant = { tenant, limits: { rates: [], streams: NO_STREAMS } }
      this.#strangers = undefined
    }
    return isKnown ? this.#tenant : this.#strangersOf(tenant)
  }

  /** Half of the tenant's rate is theirs, as if all of them had one capability that allows so much. */
  #strangersOf(tenant: string): Payer {
    const rates = this.#o.quotas.ratesOf(tenant, this.#o.app)
    if (this.#strangers?.rates !== rates) {
      const most = Math.max(1, rates.calls.perSecond * STRANGERS_PART)
      const bucket = `strangers ${tenant} ${most}`
      this.#strangers = {
        rates,
        payer: { tenant, limits: { rates: [{ most, bucket }], streams: NO_STREAMS } }
      }
    }
    return this.#strangers.payer
  }
}

const ofStrangers = (refusal: OapError): OapError => {
  const { retryAfterMs } = refusal
  const message = 'callers without a token have spent what the tenant has for them'
  return refusal.code === 'quota_tenant'
    ? refusal
    : new OapError('quota_tenant', message, retryAfterMs === undefined ? {} : { retryAfterMs })
}
