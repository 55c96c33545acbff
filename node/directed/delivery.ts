import {
  DIRECTED,
  DIRECTED_MESSAGE,
  DIRECTED_RECEIPT,
  directedId,
  formatPortableReceipt,
  isFinalRefusal,
  parseSigned,
  receiptProblem,
  rowFor
} from '../../federation/index.ts'
import type {
  Delegation,
  DelegationBook,
  DirectedReceiptStatement,
  DirectedStatement,
  ReceiptRefusal,
  Signed,
  Treaty
} from '../../federation/index.ts'
import { OapError, federationService } from '../../protocols/index.ts'
import type { ConnectionCaller } from '../../protocols/index.ts'
import { decodeMeta } from '../mailbox/index.ts'
import type { LastWord, Taken } from '../mailbox/index.ts'

/** What came of one attempt. */
export type Attempted =
  | { readonly is: 'over'; readonly word: LastWord }
  /** Worth another attempt. */
  | {
      readonly is: 'failed'
      readonly why: string
      readonly retryAfterMs?: number | undefined
      /** What came was no receipt for the message. */
      readonly receipt?: { readonly why: ReceiptRefusal; readonly id: string }
    }

export interface DeliveryPlace {
  readonly hub: string
  /** Our treaty with the hub; undefined while it is not allowed. */
  readonly treaty: Treaty | undefined
  /** What is known of its keys: what signs a receipt may be learned while that is on its way. */
  readonly bookOf: () => DelegationBook
  /** Undefined where there is no link. */
  readonly caller: ConnectionCaller | undefined
  readonly signal: AbortSignal
  /** Unix seconds. */
  readonly nowS: number
}

/** Sends one message of the outbox to its hub, and judges what that says. */
export async function attempt({ message }: Taken, place: DeliveryPlace): Promise<Attempted> {
  const { directed } = decodeMeta(message.meta)
  if (directed === undefined) return refused('damaged', '')
  const { statement } = parseSigned(DIRECTED_MESSAGE, directed.line)
  const id = directedId(statement)
  if (place.treaty === undefined || !isShared(place.treaty, message.tenant, statement))
    return refused('not_shared', id)
  if (place.caller === undefined) return { is: 'failed', why: 'no_link' }
  try {
    const { receipt } = await place.caller
      .client(federationService)
      .deliver(
        { statement: directed.line, body: message.body },
        { deadlineMs: DIRECTED.callMs, signal: place.signal }
      )
    return judged(receipt, statement, place)
  } catch (error) {
    if (!(error instanceof OapError)) throw error
    if (isFinalRefusal(error.code)) return refused(error.code, id)
    return { is: 'failed', why: error.code, retryAfterMs: error.retryAfterMs }
  }
}

const refused = (code: string, id: string): Attempted => ({ is: 'over', word: { refused: code, id } })

const isShared = (treaty: Treaty, tenant: string, statement: DirectedStatement): boolean =>
  rowFor({ rows: treaty.rows.filter(row => row.tenant === tenant) }, 'out', statement) !== undefined

function judged(line: string, message: DirectedStatement, { bookOf, nowS }: DeliveryPlace): Attempted {
  const book = bookOf()
  let receipt: Signed<DirectedReceiptStatement>
  try {
    receipt = parseSigned(DIRECTED_RECEIPT, line)
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
    return noReceipt('malformed', message)
  }
  const problem = receiptProblem(book, receipt, message, nowS)
  if (problem !== undefined) return noReceipt(problem, message)
  const delegation = delegationOf(book, receipt.statement)
  if (delegation === undefined) return noReceipt('key', message)
  const word = { receipt: formatPortableReceipt(receipt, delegation), id: receipt.statement.id }
  return { is: 'over', word }
}

const noReceipt = (why: ReceiptRefusal, message: DirectedStatement): Attempted => ({
  is: 'failed',
  why: `receipt_${why}`,
  receipt: { why, id: directedId(message) }
})

const delegationOf = (
  { delegations }: DelegationBook,
  { key, epoch, at }: DirectedReceiptStatement
): Delegation<'receipt'> | undefined =>
  delegations.find((one): one is Delegation<'receipt'> => {
    const { statement } = one
    return (
      statement.role === 'receipt' &&
      statement.key === key &&
      statement.epoch === epoch &&
      at >= statement.not_before &&
      at <= statement.not_after
    )
  })
