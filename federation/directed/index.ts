export {
  DIRECTED_REFUSALS,
  addressRefusal,
  isDirectedRefusal,
  isFinalRefusal,
  judgeFirst,
  rowFor
} from './judgement.ts'
export type { DirectedRefusal, FirstSight } from './judgement.ts'
export { DIRECTED_MESSAGE, DIRECTED_TAG, directedId } from './message.ts'
export type { DirectedStatement } from './message.ts'
export { DIRECTED } from './numbers.ts'
export { formatPortableReceipt, verifyPortableReceipt } from './portable.ts'
export { DIRECTED_RECEIPT, DIRECTED_RECEIPT_TAG, RECEIPT_REFUSALS, receiptProblem } from './receipt.ts'
export type { DirectedReceiptStatement, DirectedState, ReceiptRefusal } from './receipt.ts'
export { redeliveryDelayMs } from './retry.ts'
export type { FailedDelivery } from './retry.ts'
