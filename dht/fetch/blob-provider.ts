import type { Cid } from '../../protocols/index.ts'
import type { Found } from './asked-provider.ts'

/** A range of a blob as a provider is asked for it. */
export interface Question {
  readonly cid: Cid
  readonly offset: number
  /** To the end of the blob when absent. */
  readonly length?: number
}

/** The beginning of an answer. */
export interface Answer {
  /** Bytes of the whole blob, as the provider says. */
  readonly totalLength: number
  /** What `dagVerifier` reads, pulled as fast as it can be stored. Closed early, it gives up the answer. */
  readonly body: AsyncIterable<Uint8Array>
}

/** Somebody who says to have a blob, and a way to ask. */
export interface BlobProvider extends Omit<Found, 'bar'> {
  /**
   * Resolves when the answer begins. Throws the `OapError` of a provider that refuses; anything else means that it was not
   * reached, or was lost.
   */
  get(question: Question, options: { readonly signal: AbortSignal }): Promise<Answer>
}

/** The blocks of one blob as far as they are here; what it has is proved. */
export interface BlockShelf {
  has(cid: Cid): Promise<boolean> | boolean
  get(cid: Cid): Promise<Uint8Array | undefined>
  /** Resolves when there is room for more. */
  write(cid: Cid, bytes: Uint8Array): Promise<void>
}
