import type { VerifiedToken } from './capabilities/index.ts'
import { BodyQueue } from './body-queue.ts'
import type { HeldBytes } from './body-queue.ts'
import type { Inflater } from './compression.ts'
import type { Credit } from './event-credit.ts'
import type { OapError } from './errors.ts'
import { FLAG, tenantUuid } from './frame.ts'
import type { CorrId, Frame } from './frame.ts'
import type { RateHold } from './rate-hold.ts'
import type { Call, Granted, ServedOperation } from './service.ts'

/** The peer of a connection through the socket in the data folder; no peer id is so short. */
const LOCAL = 'local'

const NO_BODY: AsyncIterable<Uint8Array> = {
  [Symbol.asyncIterator]: () => ({ next: () => Promise.resolve({ done: true, value: undefined }) })
}

/** What a call spends of others' bounds beside its connection's. */
export interface Spending {
  /** Counts a body after START, either way; false for what is too much. */
  spend(bodyBytes: number): boolean
  /** Charges a frame of an answer that is not streamed. */
  answered(frameBytes: number): void
  /** Charges frames of a stream, either way, or gives back what was not sent; yields the milliseconds until they are paid for. */
  streamed(frameBytes: number, now: number): number
}

/** One call as the responder sees it. Everything that the hot path does not need is made when asked for. */
export class ServerCall implements Call {
  readonly corr: CorrId
  readonly app: number
  readonly peer: string
  readonly startFlags: number
  readonly startedAt: number
  readonly tenantWire: Uint8Array | undefined
  /** Undefined until the row is known. */
  served: ServedOperation | undefined
  isReceiving: boolean
  isOver = false
  heldBytes = 0
  bytesIn = 0
  bytesOut = 0
  eventsSent = 0
  timer: unknown
  inflater: Inflater | undefined
  credit: Credit | undefined
  /** Set by the guard that verified it. */
  capability: VerifiedToken | undefined
  /** Set by the guard that judged the call by its connection's grant. */
  granted: Granted | undefined
  /** Set by the guard. */
  spending: Spending | undefined
  /** Frame bytes of the answer that are charged and not sent. */
  prepaidBytes = 0
  /** While the answer waits for a rate. */
  held: RateHold | undefined
  /** Runs once when the call is over, however it ends. */
  onOver: (() => void) | undefined
  #queue: BodyQueue | undefined
  #abort: AbortController | undefined

  constructor(frame: Frame, peer: string, startedAt: number) {
    this.corr = frame.corr
    this.app = frame.app
    this.peer = peer
    this.startFlags = frame.flags
    this.startedAt = startedAt
    this.tenantWire = frame.tenant?.slice()
    this.isReceiving = (frame.flags & FLAG.END) === 0
    this.bytesIn = frame.end - frame.start
  }

  get corrId(): bigint {
    return BigInt(this.corr)
  }

  get principal(): string {
    if (this.capability !== undefined) return `cap:${this.capability.capId}`
    return this.granted?.principal ?? (this.peer === LOCAL ? LOCAL : 'anonymous')
  }

  get tenant(): string {
    return this.capability?.tenant ?? this.granted?.tenant ?? tenantUuid(this.tenantWire)
  }

  get isE2e(): boolean {
    return (this.startFlags & FLAG.APP_E2E) !== 0
  }

  get isE2ePacked(): boolean {
    return this.isE2e && (this.startFlags & FLAG.COMP) !== 0
  }

  get signal(): AbortSignal {
    this.#abort ??= new AbortController()
    if (this.isOver) this.#abort.abort()
    return this.#abort.signal
  }

  get body(): AsyncIterable<Uint8Array> {
    return this.#queue ?? NO_BODY
  }

  get queue(): BodyQueue | undefined {
    return this.#queue
  }

  openBody(owner: HeldBytes, inflate: (bytes: Uint8Array) => Uint8Array): BodyQueue {
    this.#queue = new BodyQueue(owner, inflate)
    return this.#queue
  }

  /** Ends the call for its handler: the signal aborts, a body still coming is cut off with `error`. */
  stop(error: OapError | Error): void {
    this.isOver = true
    this.#abort?.abort(error)
    this.#queue?.fail(error)
  }
}
