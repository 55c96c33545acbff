import type { ConnectionState } from './connection.ts'
import type { Platform } from './platform.ts'
import { RateHold } from './rate-hold.ts'
import type { ServerCall } from './server-call.ts'

/** What is decided outside of the rates, and who reads. */
export interface RatedSession {
  callsOpen(): number
  /** Called when there is room again, never in the turn that held reading back. */
  readOn(): void
}

/**
 * Slows the streams of a session down to the rates of its connection and of its calls' tenants. What is streamed is
 * charged once, and what was charged first goes on first: a row of an answer waits before it leaves, a row of an upload
 * stops the reading of its stream, when no other call is open there. Who is refused more often than any caller who waits
 * as told is read no faster than the connection allows refusals. Nothing is dropped.
 * @see specs/oap-1.md, section 7
 */
export class SessionRates {
  readonly #connection: ConnectionState
  readonly #platform: Platform
  readonly #session: RatedSession
  readonly #reading: RateHold
  /** The call that holds reading back. */
  #holder: ServerCall | undefined

  constructor(connection: ConnectionState, platform: Platform, session: RatedSession) {
    this.#connection = connection
    this.#platform = platform
    this.#session = session
    this.#reading = new RateHold(platform)
    // A new stream is no way around what the connection owes.
    this.refused(0)
  }

  /** True while nothing may be read. */
  get holdsReading(): boolean {
    return this.#reading.isOn
  }

  /** Charges a frame of an upload, and holds reading back until that is paid for. */
  uploaded(call: ServerCall, bytes: number): void {
    const ms = this.#charge(call, bytes)
    if (ms <= 0 || this.#session.callsOpen() > 1) return
    if (this.#hold(ms)) this.#holder = call
  }

  /** Counts a call that a quota refused, and holds reading back from a caller who does not heed that. */
  refused(calls = 1): void {
    const ms = this.#connection.refused(calls)
    if (ms > 0) this.#hold(ms)
  }

  /** Nothing will be read any more. */
  gone(): void {
    this.#reading.end()
  }

  /** Charges a frame that begins a row before it is sent; resolves when it is paid for or its call is over. */
  released(call: ServerCall, bytes: number): Promise<void> | undefined {
    if (call.isOver) return undefined
    call.prepaidBytes += bytes
    const ms = this.#charge(call, bytes)
    if (ms <= 0) return undefined
    return new Promise(resolve => {
      call.held = new RateHold(this.#platform)
      call.held.start(ms, resolve)
    })
  }

  /** Charges a frame of a streamed answer or an event, but for what was paid before. */
  sent(call: ServerCall, bytes: number): void {
    const paid = Math.min(call.prepaidBytes, bytes)
    call.prepaidBytes -= paid
    if (paid < bytes) this.#charge(call, bytes - paid)
  }

  /** A call is over: nothing waits for it any more, and what it did not send costs nothing. */
  over(call: ServerCall): void {
    if (this.#holder === call) this.#reading.end()
    call.held?.end()
    if (call.prepaidBytes === 0) return
    this.#charge(call, -call.prepaidBytes)
    call.prepaidBytes = 0
  }

  #hold(ms: number): boolean {
    return this.#reading.start(ms, () => {
      this.#holder = undefined
      queueMicrotask(() => this.#session.readOn())
    })
  }

  #charge(call: ServerCall, bytes: number): number {
    const wait = this.#connection.streamed(bytes)
    return call.spending === undefined
      ? wait
      : Math.max(wait, call.spending.streamed(bytes, this.#platform.now()))
  }
}
