import type { OapError } from './errors.ts'
import type { InboundBudget } from './frame-stream.ts'
import type { HelloRequest, Limits } from './hello.ts'

/** What the sessions of one connection share, as a session needs it. The node decides; the session asks. */
export interface ConnectionState {
  /** The peer id that the secure channel proved. */
  readonly peer: string
  /** Whether it ends with its first call, so that nothing is worth remembering of it. */
  readonly isOneCall?: boolean
  /** The limits of the moment: HELLO may lower them once. */
  readonly limits: Limits
  readonly budget: InboundBudget
  /** Settles the limits from what a HELLO asks; only the first one counts. */
  settle(asked: HelloRequest): Limits
  /** Takes one HELLO from the connection's bucket; false when it is empty. */
  takeHello(): boolean
  /** Opens a call whose first frame has so many bytes, or says why not. Each opened call is ended once. */
  openCall(bytes: number): OapError | undefined
  endCall(): void
  /** Charges bytes of frames that open no call and belong to no stream. */
  received(bytes: number): void
  /**
   * Charges frame bytes of uploads, streamed answers and events, or gives back what was not sent; yields the milliseconds
   * until they are paid for, 0 for at once.
   */
  streamed(bytes: number): number
  /** Counts calls that were refused with 429, 0 to ask; yields the milliseconds for which nothing more of a stream should be read. */
  refused(calls: number): number
  /** A capability has been verified: the connection is no stranger's any more. */
  proved(): void
}
