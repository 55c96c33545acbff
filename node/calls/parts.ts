import type { OapError } from '../../protocols/index.ts'
import type { Caller } from '../ams/access/index.ts'
import type { Bodies } from '../gateway/index.ts'
import type { Effect } from '../guards/shed.ts'
import type { InnerCalls } from './inner-calls.ts'
import type { OpenRequests } from './open-requests.ts'

/** Who asks: a caller of the HTTP edge, with its capability where it has shown one. */
export interface Asker {
  readonly caller: Caller
  readonly cap: Uint8Array | undefined
}

/** Entries of the audit log that there are: from `first` to before `size`. */
export interface LogExtent {
  readonly first: number
  readonly size: number
}

export interface CallClock {
  /** Milliseconds that never go back. */
  now(): number
  /** Runs `late` after that time, unless what it yields is called before. */
  after(ms: number, late: () => void): () => void
}

/** What calls over HTTP stand on. */
export interface CallParts {
  /** The services of this node for one request. */
  readonly callsOf: (asker: Asker) => InnerCalls
  /** Those under way, each from when its caller is known. */
  readonly open: OpenRequests
  /** Why a request is refused before it is read, where the node has too much to do; `caller` has its share of what is done. */
  readonly shed: (effect: Effect, caller: string) => OapError | undefined
  /** Whether a verb is open to everybody, whoever asks. */
  readonly isOpen: (verb: string) => boolean
  /** Room for blobs and entries on their way to readers. */
  readonly bodies: Bodies
  /** The same for what has no end of its own: events, and the log for those who follow it. */
  readonly streams: Bodies
  /** The same for callers without a token, who cannot take the room of others. */
  readonly strangerStreams: Bodies
  /** Undefined where the node keeps no log. */
  readonly auditExtent: () => LogExtent | 'closed' | undefined
  /** Whether anybody may read the audit log. */
  readonly isAuditPublic: boolean
  /** Bytes of one blob that is put. */
  readonly maxBlobBytes: number
  /** A body of which less than 64 KiB come within that is given up. */
  readonly stallMs: number
  /** After so long without an event a reader of events is sent a comment. */
  readonly heartbeatMs: number
  readonly clock: CallClock
  readonly isDraining: () => boolean
  /** Told the code of each answer that is a problem. */
  readonly onProblem: (code: string) => void
  /** Told of each request that `shed` refused. */
  readonly onShed: (refusal: OapError) => void
  /** Told of each error that is no caller's, with the id that the caller was given. */
  readonly onError: (error: unknown, requestId: string) => void
}
