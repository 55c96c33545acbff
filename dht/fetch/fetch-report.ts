import type { EndCode } from './ends.ts'

/** How a provider came to be known: named by the caller, a linked peer that said yes, or the DHT. */
export type Via = 'hint' | 'link' | 'dht'

/** What became of one provider. */
export interface ProviderReport {
  readonly provider: string
  readonly via: Via
  /** How often it was asked. */
  readonly asked: number
  /** Plain bytes that it proved, those too that another had brought before. */
  readonly bytes: number
  /** The first byte of its last range that it did not prove; undefined when it was never asked. */
  readonly reached: number | undefined
  /** Undefined while it has an open question. */
  readonly ended: EndCode | undefined
  /** In words, for whom an operator asks why. */
  readonly detail: string | undefined
  /** From the first question to its last answer or end. */
  readonly ms: number
}

/** Why a fetch ended as it did: every provider that was found, in the order found. */
export interface FetchReport {
  /** Plain bytes that were missing at the start, undefined when the length of the blob never came. */
  readonly missing: number | undefined
  /** Of those, how many came. */
  readonly fetched: number
  readonly ms: number
  readonly providers: readonly ProviderReport[]
  /** Why fewer were found than there may be. */
  readonly searches: readonly string[]
}
