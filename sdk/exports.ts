export { Answer } from './answer.ts'
export type { AnswerStream } from './answer.ts'
export type { HubCallOptions } from './calls.ts'
export type { Refresh } from './capability-holder.ts'
export type { ConnectOptions, NodeConnection } from './connect.ts'
export { ConnectError } from './connect-error.ts'
export type { ConnectErrorCode } from './connect-error.ts'
export type { ClientOptions } from './create-client.ts'
export {
  BusyError,
  CapabilityError,
  ConflictError,
  DeadlineError,
  ERROR_CLASSES,
  LinkError,
  NodeError,
  NotFoundError,
  PolicyError,
  RequestError
} from './errors.ts'
export { Hub } from './hub.ts'
export type { AnyCallOptions, EventOptions, ExchangeOptions, Exchanged, StreamOptions } from './hub.ts'
export { Delivery } from './mailbox/delivery.ts'
export type { NackOptions } from './mailbox/delivery.ts'
export { Mailbox } from './mailbox/mailbox.ts'
export type {
  BatchMessage,
  MailboxStats,
  PickOptions,
  Purged,
  ReceiveOptions,
  RecvOptions,
  Redriven,
  Sent,
  SubscribeOptions
} from './mailbox/mailbox.ts'
export type { SendOptions } from './mailbox/message.ts'
export type { PageOptions } from './mailbox/pages.ts'
export { BlobStream } from './storage/blob-stream.ts'
export type { ByteSpan } from './storage/blob-stream.ts'
export { HubStorage } from './storage/storage.ts'
export type { BlobSource, GetOptions, PutOptions, StoredBlob } from './storage/storage.ts'
export type { RetryPolicy } from './retry.ts'
export { newTraceparent } from './trace.ts'
export { OapError } from '../protocols/index.ts'
