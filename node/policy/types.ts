import type { Evidence, Verdict } from '../../federation/index.ts'

/**
 * What is known of an item before it is taken. Whoever asks has verified the origin's signature and the body's hash;
 * `signature` is there for one that failed. The origin's standing here is looked up.
 */
export type ItemEvidence = Omit<Evidence, 'standing' | 'signature'> & Partial<Pick<Evidence, 'signature'>>

/** The origin's signed statement as it came, and what it stands for. */
export interface Item {
  readonly statement: Uint8Array
  readonly body: Uint8Array
}

export interface Taken {
  readonly verdict: Verdict
  /** Hard failures, then names of rules; or the one why nothing is decided now. */
  readonly reasons: readonly string[]
  /** With it nothing was decided: the item may be offered again after this time. */
  readonly retryAfterMs?: number
}

export type ReleasedItem = Item & { readonly evidence: ItemEvidence }

/** Delivers a released item durably. It may come again after a crash: one of the same id must then change nothing. */
export type DeliverReleased = (item: ReleasedItem) => Promise<void>

/** Whether items of other hubs are taken. */
export interface Acceptance {
  /**
   * Judges an item. Resolves once what is not accepted would survive a power cut in the audit log, and what is
   * quarantined is kept; an accepted one is the caller's. A full quarantine is no error: `reject` with `quarantine_full`
   * and a time to wait; so with `treaty_expired` and the like for an origin that may send nothing at the moment. Throws
   * `bad_request` for evidence that is none, `not_ready` while the store or the log is closed.
   */
  take(evidence: ItemEvidence, item: Item): Promise<Taken>
  /** Says what a release does with a kept item of a kind; one that was under way in a crash is then delivered. */
  onRelease(kind: ItemEvidence['kind'], deliver: DeliverReleased): void
}
