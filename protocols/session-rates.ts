import type { ConnectionState } from './connection.ts'
import type { Platform } from './platform.ts'
import { RateHold } from './rate-hold.ts'
import type { ServerCall } from './server-call.ts'

/**
 * Slows a session down to the rates of bytes of its connection and of its calls' tenants: while what it received is
 * beyond one, nothing is read and the peer gets no further window; what it streams waits likewise. Nothing is dropped.
 * @see specs/oap-1.md, section 7
 */
export class SessionRates {
  readonly #connection: ConnectionState
  readonly #platform: Platform
  readonly #reading: RateHold
  readonly #readOn: () => void

  /** `readOn` is called, never in the turn that held reading back, when there is room again. */
  constructor(connection: ConnectionState, platform: Platform, readOn: () => void) {
    this.#connection = connection
    this.#platform = platform
    this.#reading = new RateHold(platform)
    this.#readOn = readOn
  }

  /** True while nothing may be read. */
  get holdsReading(): boolean {
    return this.#reading.isOn
  }

  /** Counts a frame, of a call or of none. */
  received(bytes: number, call?: ServerCall): void {
    if (this.#connection.received(bytes) > 0 || this.#wait(call) > 0) this.#holdReading(call)
  }

  /** Counts what a streamed answer has sent; resolves when the rates allow more, undefined for at once. */
  streamed(call: ServerCall, bytes: number): Promise<void> | undefined {
    if (this.#connection.sent(bytes) <= 0 && this.#wait(call) <= 0) return undefined
    return new Promise(resolve => {
      call.held = new RateHold(this.#platform)
      call.held.until(() => Math.max(this.#connection.sent(0), this.#wait(call)), resolve)
    })
  }

  /** Forgets what is held back: the session is over. */
  end(): void {
    this.#reading.end()
  }

  #holdReading(call: ServerCall | undefined): void {
    this.#reading.until(
      () => Math.max(this.#connection.received(0), this.#wait(call)),
      () => queueMicrotask(this.#readOn)
    )
  }

  #wait(call: ServerCall | undefined): number {
    if (call === undefined || call.isOver || call.spending === undefined) return 0
    return call.spending.wait(this.#platform.now())
  }
}
