import type { InflateLimits } from './compression.ts'
import type { ConnectionState } from './connection.ts'
import type { ErrorCode, OapError } from './errors.ts'
import type { HelloFacts } from './hello.ts'
import type { JsonObject } from './json.ts'
import type { Platform } from './platform.ts'
import type { ServerCall } from './server-call.ts'
import type { ServedOperation, ServiceDirectory } from './service.ts'

/** Timeouts of a session in milliseconds. */
export interface SessionTimeouts {
  readonly firstFrameMs: number
  readonly frameMs: number
  readonly idleMs: number
}

export const DEFAULT_TIMEOUTS: SessionTimeouts = { firstFrameMs: 5000, frameMs: 15_000, idleMs: 60_000 }

/** What a guard judges: who asks, with what, for which row. Never the body itself. */
export interface CallHead {
  readonly connection: ConnectionState
  readonly call: ServerCall
  readonly served: ServedOperation
  readonly header: JsonObject
  readonly cap: Uint8Array
  /** Length of the body that came with START. */
  readonly bodyBytes: number
}

export type Guard = (head: CallHead) => OapError | undefined | Promise<OapError | undefined>

/** Hears what happened, for metrics and logs. Called on the hot path: it must not throw or block. */
export interface SessionObserver {
  /** The operation is known; `answered` follows once. */
  started(call: ServerCall): void
  /**
   * A call is over: with status 0, with the reason of its refusal, or with 499 and none when its caller left. What its
   * frames weighed, both ways, stands in it.
   */
  answered(call: ServerCall, status: number, ms: number, reason?: ErrorCode): void
  /** Frames that belong to no call, both ways: those of app 0, and those for a call that is over or was never open. */
  apart(app: number, bytesIn: number, bytesOut: number): void
  rejected(reason: ErrorCode): void
  inflated(bytesIn: number, bytesOut: number): void
  /** A handler or guard threw something other than an OapError. */
  failed(call: ServerCall, error: unknown): void
  /** A session threw: a fault of this software, which cost one stream. */
  broke(error: unknown): void
}

export interface ServerSessionOptions {
  readonly connection: ConnectionState
  readonly services: ServiceDirectory
  readonly facts: () => HelloFacts
  readonly platform: Platform
  readonly observer: SessionObserver
  readonly guard?: Guard
  readonly timeouts?: SessionTimeouts
  readonly inflateLimits?: InflateLimits
  readonly onClose?: () => void
}
