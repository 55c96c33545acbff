import { createHash } from 'node:crypto'
import { topicMatches } from '../../protocols/index.ts'
import { type DelegationBook, statementProblem } from '../delegation-book.ts'
import type { StatementRefusal } from '../delegation-book.ts'
import type { Signed } from '../statement.ts'
import type { Treaty, TreatyRow } from '../treaty.ts'
import { DIRECTED_MESSAGE } from './message.ts'
import type { DirectedStatement } from './message.ts'
import { DIRECTED } from './numbers.ts'

/**
 * Why a hub does not take a directed message. A sender gives up at those that are final, and bounces; the others may pass.
 * @see specs/federation-directed.md, section 3.2
 */
export const DIRECTED_REFUSALS = {
  malformed: { reason: 'bad_request', isFinal: true },
  oversize: { reason: 'body_oversize', isFinal: true },
  wrong_recipient: { reason: 'bad_request', isFinal: true },
  wrong_origin: { reason: 'bad_request', isFinal: true },
  not_shared: { reason: 'not_shared', isFinal: true },
  future: { reason: 'bad_request', isFinal: false },
  stale: { reason: 'bad_request', isFinal: true },
  expired: { reason: 'bad_request', isFinal: true },
  body_mismatch: { reason: 'bad_request', isFinal: true },
  unknown_key: { reason: 'bad_request', isFinal: false },
  key_time: { reason: 'bad_request', isFinal: true },
  key_revoked: { reason: 'bad_request', isFinal: true },
  bad_signature: { reason: 'bad_request', isFinal: true },
  policy: { reason: 'policy', isFinal: true }
} as const
export type DirectedRefusal = keyof typeof DIRECTED_REFUSALS

export const isDirectedRefusal = (code: string): code is DirectedRefusal =>
  Object.hasOwn(DIRECTED_REFUSALS, code)

/** Whether a sender that hears this code tries no more. */
export const isFinalRefusal = (code: string): boolean =>
  isDirectedRefusal(code) && DIRECTED_REFUSALS[code].isFinal

/** Steps 3 and 4, before it is looked up whether the message came before. */
export function addressRefusal(
  { to, hub }: DirectedStatement,
  { self, origin }: { readonly self: string; readonly origin: string }
): DirectedRefusal | undefined {
  if (to !== self) return 'wrong_recipient'
  return hub === origin ? undefined : 'wrong_origin'
}

/** What a message that comes for the first time is judged by. */
export interface FirstSight {
  readonly body: Uint8Array
  /** Our treaty with its origin. */
  readonly treaty: Pick<Treaty, 'rows' | 'window_s'>
  /** What is known of the keys of its origin. */
  readonly book: DelegationBook
  /** Unix seconds. */
  readonly nowS: number
}

/** Steps 6 to 10: the row that it comes under, or why it is not taken. */
export function judgeFirst(
  signed: Signed<DirectedStatement>,
  { body, treaty, book, nowS }: FirstSight
): { readonly row: TreatyRow } | { readonly refusal: DirectedRefusal } {
  const { statement } = signed
  const row = rowFor(treaty, 'in', statement)
  if (row === undefined) return { refusal: 'not_shared' }
  const refusal =
    timeRefusal(statement, treaty.window_s, nowS) ??
    bodyRefusal(statement, body) ??
    keyRefusal(book, signed, nowS)
  return refusal === undefined ? { row } : { refusal }
}

/** The row of a treaty under which messages of a share and topic go a way. */
export function rowFor(
  { rows }: Pick<Treaty, 'rows'>,
  way: 'in' | 'out',
  { share, topic }: Pick<DirectedStatement, 'share' | 'topic'>
): TreatyRow | undefined {
  return rows.find(
    row =>
      row.share.id === share &&
      (row.dir === way || row.dir === 'both') &&
      row.topics.some(pattern => topicMatches(pattern, topic))
  )
}

function timeRefusal(
  { at, expires }: DirectedStatement,
  windowS: number,
  nowS: number
): DirectedRefusal | undefined {
  if (at > nowS + DIRECTED.skewS) return 'future'
  if (at < nowS - windowS) return 'stale'
  return expires <= nowS ? 'expired' : undefined
}

function bodyRefusal(
  { body_bytes, body_sha256 }: DirectedStatement,
  body: Uint8Array
): DirectedRefusal | undefined {
  const isIt = body.length === body_bytes && createHash('sha256').update(body).digest('hex') === body_sha256
  return isIt ? undefined : 'body_mismatch'
}

const KEY_REFUSALS: Readonly<Record<StatementRefusal, DirectedRefusal>> = {
  hub: 'wrong_origin',
  key: 'unknown_key',
  time: 'key_time',
  revoked: 'key_revoked',
  signature: 'bad_signature'
}

function keyRefusal(
  book: DelegationBook,
  signed: Signed<DirectedStatement>,
  nowS: number
): DirectedRefusal | undefined {
  const problem = statementProblem(book, DIRECTED_MESSAGE, signed, nowS)
  return problem && KEY_REFUSALS[problem]
}
