import { type DelegatedKind, type DelegationBook, statementProblem } from '../delegation-book.ts'
import { exactly, oneOf } from '../form.ts'
import { forms } from '../forms.ts'
import type { Signed } from '../statement.ts'
import { treatyForms } from '../treaty-forms.ts'
import { directedId } from './message.ts'
import type { DirectedStatement } from './message.ts'
import { DIRECTED } from './numbers.ts'

/** First line of what is signed. */
export const DIRECTED_RECEIPT_TAG = 'omnigate/directed-receipt/1'

/** What became of a message: kept for its receivers, or kept until an operator decides. */
export type DirectedState = 'stored' | 'quarantined'

/** A hub's word that it keeps a message of another, durably. @see specs/federation-directed.md, section 4 */
export type DirectedReceiptStatement = {
  /** Unix seconds. */
  readonly at: number
  readonly body_sha256: string
  readonly epoch: number
  /** The hub that keeps it. */
  readonly hub: string
  /** The federated id of the message. */
  readonly id: string
  readonly key: string
  /** The hub that has sent it. */
  readonly origin: string
  readonly share: string
  readonly state: DirectedState
}

export const DIRECTED_RECEIPT: DelegatedKind<DirectedReceiptStatement> = {
  tag: DIRECTED_RECEIPT_TAG,
  maxChars: DIRECTED.receiptChars,
  role: 'receipt',
  claim: ({ hub, key, epoch, at }) => ({ hub, key, epoch, at }),
  form: exactly({
    at: forms.seconds,
    body_sha256: forms.hex32,
    epoch: forms.epoch,
    hub: forms.hub,
    id: forms.hex32,
    key: forms.hex32,
    origin: forms.hub,
    share: treatyForms.share.id,
    state: oneOf('stored', 'quarantined')
  })
}

/** Why a receipt is none for a message; `malformed` where it is no receipt, `other` where it is for something else. */
export const RECEIPT_REFUSALS = ['malformed', 'other', 'hub', 'key', 'time', 'revoked', 'signature'] as const
export type ReceiptRefusal = (typeof RECEIPT_REFUSALS)[number]

/** Why a receipt that came over the link with a hub does not stand for a message, or undefined when it does. */
export function receiptProblem(
  book: DelegationBook,
  signed: Signed<DirectedReceiptStatement>,
  message: DirectedStatement,
  nowS: number
): ReceiptRefusal | undefined {
  const { hub, origin, id, share, body_sha256 } = signed.statement
  const isOfMessage =
    hub === message.to &&
    origin === message.hub &&
    share === message.share &&
    body_sha256 === message.body_sha256 &&
    id === directedId(message)
  return isOfMessage ? statementProblem(book, DIRECTED_RECEIPT, signed, nowS) : 'other'
}
