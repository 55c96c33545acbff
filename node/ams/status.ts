import { createHash } from 'node:crypto'
import { signedBytes } from '../../federation/index.ts'
import type { CanonicalValue } from '../../federation/index.ts'
import { EnvelopeRefusal } from './refusal.ts'

export const STATUSES = ['queued', 'accepted', 'rejected', 'quarantined', 'archived'] as const
export type Status = (typeof STATUSES)[number]

const NEXT: Readonly<Record<Status, readonly Status[]>> = {
  queued: ['accepted', 'rejected', 'quarantined'],
  accepted: ['archived'],
  rejected: ['archived'],
  quarantined: ['archived'],
  archived: []
}
const MODERATED: Partial<Readonly<Record<Status, readonly Status[]>>> = {
  quarantined: ['accepted', 'rejected']
}
const TAG = 'AMS-STATUS-V1'

/** One change of status or of what stands beside it, chained to the one before. @see specs/ams.md, section 5 */
export interface StatusRecord {
  /** Digest of the envelope. */
  readonly envelope: string
  readonly n: number
  /** Hash of the record before; of the first the digest of the envelope. */
  readonly prev: string
  readonly status: Status
  readonly meta: Readonly<Record<string, CanonicalValue>>
  readonly at: string
  readonly by: string
  /** Of a record whose `meta` was redacted, which alone it can be told by. */
  readonly hash?: string
}

export const recordHash = (record: StatusRecord): string =>
  record.hash ??
  createHash('sha256')
    .update(signedBytes(TAG, record as unknown as CanonicalValue))
    .digest('hex')

/** A record without what stood beside the envelope; its chain can be followed as before. */
export const redactedRecord = (record: StatusRecord): StatusRecord => ({
  ...record,
  meta: {},
  hash: recordHash(record)
})

export const firstRecord = (
  envelope: string,
  { status, meta, at, by }: Pick<StatusRecord, 'status' | 'meta' | 'at' | 'by'>
): StatusRecord => ({ envelope, n: 0, prev: envelope, status, meta, at, by })

/** Who changes a status, and where. */
export interface Changing {
  readonly isModerator?: boolean
  /** Whether nothing is accepted here but by moderators, as in a public sandbox. */
  readonly isModerated?: boolean
}

/** The record after one; the same where nothing changes. @throws EnvelopeRefusal `bad_transition` */
export function nextRecord(
  last: StatusRecord,
  { status = last.status, meta = last.meta, at, by }: Partial<StatusRecord> & Pick<StatusRecord, 'at' | 'by'>,
  { isModerator = false, isModerated = false }: Changing = {}
): StatusRecord {
  const allowed = [...NEXT[last.status], ...((isModerator && MODERATED[last.status]) || [])].filter(
    next => next !== 'accepted' || isModerator || !isModerated
  )
  if (status !== last.status && !allowed.includes(status)) throw notAfter(last.status, status, allowed)
  return { envelope: last.envelope, n: last.n + 1, prev: recordHash(last), status, meta, at, by }
}

/** Where a chain breaks: the place of the first record that does not fit, or undefined. */
export function brokenAt(digest: string, records: readonly StatusRecord[]): number | undefined {
  let prev = digest
  for (const [n, record] of records.entries()) {
    if (record.n !== n || record.prev !== prev || record.envelope !== digest) return n
    prev = recordHash(record)
  }
  return undefined
}

function notAfter(from: Status, to: Status, allowed: readonly Status[]): EnvelopeRefusal {
  const next = allowed.length === 0 ? 'nothing' : allowed.join(', ')
  return new EnvelopeRefusal('bad_transition', `status: ${to} does not follow ${from}; ${next} does`)
}
