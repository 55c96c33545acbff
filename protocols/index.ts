export { decodeBatch, encodeBatch } from './batch.ts'
export { headerAndBatch, recordBatch } from './batch-codec.ts'
export type { WithItems } from './batch-codec.ts'
export * from './capabilities/index.ts'
export type { ByteStream, CloseEvent, MessageEvent } from './byte-stream.ts'
export { callable, client } from './client.ts'
export type {
  CallOptions,
  Caller,
  Client,
  Method,
  StreamedResult,
  SubscribeOptions,
  UploadOptions
} from './client.ts'
export { ClientSession } from './client-session.ts'
export { ConnectionCaller } from './connection-caller.ts'
export type { ConnectionCallerOptions } from './connection-caller.ts'
export type { ClientSessionOptions } from './client-session.ts'
export { DEFAULT_INFLATE_LIMITS } from './compression.ts'
export type { InflateLimits } from './compression.ts'
export type { ConnectionState } from './connection.ts'
export { ERRORS, OapError, REASONS, clampRetryAfter, isErrorCode } from './errors.ts'
export type { Blame, ErrorCode, ErrorRow } from './errors.ts'
export { flag, integer, list, matching, object, oneOf, optional, text, texts } from './fields.ts'
export type { Field, FieldValues, Fields } from './fields.ts'
export * from './frame.ts'
export { FrameDecoder } from './frame-decoder.ts'
export type { FrameFault, FrameSink } from './frame-decoder.ts'
export type { InboundBudget } from './frame-stream.ts'
export { FrameWriter } from './frame-writer.ts'
export {
  DEFAULT_LIMITS,
  DEFAULT_MAX_INFLIGHT,
  LEAST_MAX_FRAME_BYTES,
  agree,
  checkVersion,
  parseHelloAnswer
} from './hello.ts'
export type { Hello, HelloFacts, HelloRequest, Limits } from './hello.ts'
export { MAX_JSON_BYTES, MAX_JSON_DEPTH, encodeJson, parseJson } from './json.ts'
export type { Json, JsonObject } from './json.ts'
export { plainPlatform } from './platform.ts'
export type { Platform } from './platform.ts'
export { decodePayload, decodeRecord, encodeRecord, recordPrefix } from './record.ts'
export type { Payload } from './record.ts'
export { ServerCall } from './server-call.ts'
export type { Spending } from './server-call.ts'
export { DEFAULT_TIMEOUTS } from './server-options.ts'
export type {
  CallHead,
  Guard,
  ServerSessionOptions,
  SessionObserver,
  SessionTimeouts
} from './server-options.ts'
export { CANCELLED, ServerSession } from './server-session.ts'
export {
  defineService,
  header,
  headerAndBody,
  json,
  jsonObject,
  nothing,
  opaque,
  record,
  serviceDirectory,
  streamed,
  subscription,
  unary
} from './service.ts'
export type * from './service.ts'
export { adminService } from './services/admin.ts'
export { auditService } from './services/audit.ts'
export { auditAdminOperations } from './services/audit-admin.ts'
export { hardenAdminOperations } from './services/harden-admin.ts'
export { EXCHANGE_VERB, OBTAIN_VERB, RENEW_VERB, capabilitiesService } from './services/capabilities.ts'
export { capabilityAdminOperations } from './services/capability-admin.ts'
export type { CapRow, TenantRow } from './services/capability-admin.ts'
export { echoService } from './services/echo.ts'
export { federationService } from './services/federation.ts'
export { federationAdminOperations } from './services/federation-admin.ts'
export type { PeerRow } from './services/federation-admin.ts'
export { blobsAdminOperations } from './services/blobs-admin.ts'
export { dhtAdminOperations } from './services/dht-admin.ts'
export { linksAdminOperations } from './services/links-admin.ts'
export { witnessAdminOperations } from './services/witness-admin.ts'
export { policyAdminOperations } from './services/policy-admin.ts'
export type { QuarantinedItem } from './services/policy-admin.ts'
export { MAILBOX_LIMITS, mailboxService } from './services/mailbox.ts'
export type { DeadLetter, MailboxDelivery, MessageOptions, WaitingMessage } from './services/mailbox.ts'
export { snapshotsAdminOperations } from './services/snapshots-admin.ts'
export { storageService } from './services/storage.ts'
export type { BlobRow, Provider, PartialBlob, StorageClass } from './services/storage.ts'
export * from './storage/index.ts'
export { RefusalPace } from './refusal-pace.ts'
export { TokenBucket } from './token-bucket.ts'
export { checkZstdFrame } from './zstd-frame.ts'
