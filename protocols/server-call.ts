import type { VerifiedToken } from './capabilities/index.ts'
import { BodyQueue } from './body-queue.ts'
import type { HeldBytes } from './body-queue.ts'
import type { Inflater } from './compression.ts'
import type { OapError } from './errors.ts'
import { FLAG, tenantUuid } from './frame.ts'
import type { CorrId, Frame } from './frame.ts'
import type { Call, ServedOperation } from './service.ts'

/** Bytes of EVENT payloads that a subscription may have outstanding when it names no credit. */
export const INITIAL_CREDIT_BYTES = 65_536

const NO_BODY: AsyncIterable<Uint8Array> = {
  [Symbol.asyncIterator]: () => ({ next: () => Promise.resolve({ done: true, value: undefined }) })
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
  /** Counts bodies after START, both ways; false for what is too much. Set by the guard. */
  spending: { spend(bytes: number): boolean } | undefined
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

  get tenant(): string {
    return this.capability?.tenant ?? tenantUuid(this.tenantWire)
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

/**
 * Explicit credit of a subscription: payload bytes of the EVENT frames after the `upTo`-th stay within `bytes`.
 * @see specs/oap-1.md, section 6.3
 */
export class Credit {
  #bytes: number
  #upTo = 0
  #outstanding: number[] = []
  #outstandingBytes = 0
  #wake: (() => void) | undefined

  constructor(bytes: number) {
    this.#bytes = bytes
  }

  get upTo(): number {
    return this.#upTo
  }

  /** True when an event of `bytes` may leave; an event larger than the credit passes alone. */
  allows(bytes: number): boolean {
    if (this.#bytes === 0) return false
    return this.#outstanding.length === 0 || this.#outstandingBytes + bytes <= this.#bytes
  }

  sent(bytes: number): void {
    this.#outstanding.push(bytes)
    this.#outstandingBytes += bytes
  }

  /** False when `upTo` goes back, or past what was sent. */
  grant(upTo: number, bytes: number): boolean {
    const done = upTo - this.#upTo
    if (done < 0 || done > this.#outstanding.length) return false
    for (const size of this.#outstanding.splice(0, done)) this.#outstandingBytes -= size
    this.#upTo = upTo
    this.#bytes = bytes
    this.wake()
    return true
  }

  wake(): void {
    this.#wake?.()
    this.#wake = undefined
  }

  changed(): Promise<void> {
    return new Promise(resolve => (this.#wake = resolve))
  }
}
