import { setTimeout as sleep } from 'node:timers/promises'
import type {
  ByteStream,
  ConnectionState,
  Guard,
  HelloFacts,
  InflateLimits,
  Platform,
  ServerCall,
  ServiceDirectory,
  SessionObserver,
  SessionTimeouts
} from '../../protocols/index.ts'
import { OapError, ServerSession } from '../../protocols/index.ts'
import { Slots } from '../slots.ts'
import type { SessionClock } from './session-clock.ts'

const DRAIN_POLL_MS = 20
const LINGER_MS = 1000

export interface SessionHostOptions {
  readonly services: ServiceDirectory
  readonly facts: () => HelloFacts
  readonly platform: Platform
  readonly observer: SessionObserver
  readonly timeouts: SessionTimeouts
  readonly inflateLimits: InflateLimits
  readonly guard?: Guard
}

/** Serves one set of services on any number of streams, whatever they came in by. */
export class SessionHost {
  readonly #o: SessionHostOptions
  readonly #clock: SessionClock
  readonly #sessions = new Slots<ServerSession>()

  /** Sessions are added to `clock`, which its owner keeps running. */
  constructor(options: SessionHostOptions, clock: SessionClock) {
    this.#o = options
    this.#clock = clock
  }

  get sessions(): number {
    return this.#sessions.size
  }

  get callsOpen(): number {
    return [...this.#sessions].reduce((sum, session) => sum + session.callsOpen(), 0)
  }

  /** Serves a stream until it ends; `onClose` is called once then. */
  serve(stream: ByteStream, connection: ConnectionState, onClose: () => void): void {
    const session: ServerSession = new ServerSession(stream, {
      ...this.#o,
      connection,
      onClose: () => {
        leaveClock()
        leave()
        onClose()
      }
    })
    const leaveClock = this.#clock.add(session)
    const leave = this.#sessions.add(session)
  }

  /** Ends those open calls of which `judge` says why they may not go on. */
  review(judge: (call: ServerCall) => OapError | undefined): void {
    for (const session of this.#sessions) session.review(judge)
  }

  /** Gives the last answers time to leave: a stream ends once the other side has ended its half too. */
  async #lastBytes(): Promise<void> {
    const until = performance.now() + LINGER_MS
    while (this.#sessions.size > 0 && this.callsOpen === 0 && performance.now() < until)
      await sleep(DRAIN_POLL_MS)
  }

  /** Lets calls under way finish for at most `timeoutMs`, then resets what is left. Yields how many calls were cut off. */
  async drain(timeoutMs: number): Promise<number> {
    for (const session of this.#sessions) session.drain()
    const until = performance.now() + timeoutMs
    while (this.callsOpen > 0 && performance.now() < until) await sleep(DRAIN_POLL_MS)
    const cutOff = this.callsOpen
    await this.#lastBytes()
    for (const session of this.#sessions) if (session.callsOpen() > 0) session.reset(new OapError('draining'))
    return cutOff
  }
}
