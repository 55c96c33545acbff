import type { CanonicalValue } from '../../../federation/index.ts'
import type { EnvelopeProof, Immutable } from '../../ams/envelope.ts'
import type { Status, StatusRecord } from '../../ams/status.ts'

/** An envelope as it is kept. */
export interface KeptEnvelope {
  readonly immutable: Immutable
  readonly sha256: string
  readonly proofs: readonly EnvelopeProof[]
  /** The hub that it came from; undefined for one that was posted here. */
  readonly origin?: string | undefined
  /** That its payload, its proofs and what stood beside it are gone. */
  readonly isRedacted?: true
}

/** An envelope with where it stands. */
export interface StoredEnvelope extends KeptEnvelope {
  /** In the order in which envelopes became durable, from 1. */
  readonly place: number
  readonly latest: StatusRecord
}

export interface NewEnvelope extends KeptEnvelope {
  readonly status: Status
  readonly meta: Readonly<Record<string, CanonicalValue>>
  readonly at: string
  readonly by: string
  /** The W3C traceparent of the request; goes out with it, and stands in the audit log. */
  readonly trace?: string | undefined
  /** What was decided of it at once: its second record. */
  readonly decision?: Pick<StatusRecord, 'status' | 'meta' | 'at' | 'by'> | undefined
}

/** Who has something removed, and why. */
export interface Removing {
  readonly by: string
  readonly reason?: string | undefined
  /** The W3C traceparent of the request. */
  readonly trace?: string | undefined
}

/** Something that is gone, for the audit log. */
export interface Gone extends Removing {
  /** Its key, or id. */
  readonly id: string
}

/** An envelope that is to go to other hubs. */
export interface Leaving {
  readonly place: number
  /** Of the row that says so: whoever has sent it takes it away in the same step. */
  readonly key: string
  readonly trace: string | undefined
}

export interface EnvelopeFilter {
  readonly thread?: string | undefined
  readonly from?: string | undefined
  readonly to?: string | undefined
  readonly status?: Status | undefined
}

export interface EnvelopePage {
  readonly items: readonly StoredEnvelope[]
  /** Where the next page begins; undefined at the end. */
  readonly next: number | undefined
}

export interface Thread {
  readonly thread: string
  readonly created_at: string
  readonly updated_at: string
  readonly count: number
  readonly last_type: string
  readonly last_from: string | undefined
  readonly last_to: string | undefined
  readonly statuses: Readonly<Partial<Record<Status, number>>>
  /** Counts the changes of all threads. */
  readonly update: number
}
