import type { ServerSession } from '../../protocols/index.ts'
import { Slots } from '../slots.ts'

const TICK_MS = 250
/** Sessions are told in turns of the event loop of their own: those of many strangers must not hold up a call. */
const PARTS = 10
/** How often the clock ticks. */
export const TURN_MS = TICK_MS / PARTS

/** Tells every open session the time, four times a second, so that none needs timers of its own. */
export class SessionClock {
  readonly #parts: readonly Slots<ServerSession>[] = Array.from({ length: PARTS }, () => new Slots())
  readonly #now: () => number
  readonly #ticked: (now: number) => void
  #at = 0

  /** `ticked` is told the time of each tick. */
  constructor(now: () => number, ticked: (now: number) => void = () => undefined) {
    this.#now = now
    this.#ticked = ticked
  }

  /** Yields what has the session told no more. */
  add(session: ServerSession): () => void {
    const least = this.#parts.reduce((a, b) => (b.size < a.size ? b : a))
    return least.add(session)
  }

  /** Ticks until `signal` aborts; rejects when a session's judgement throws. */
  run(started: () => void, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const end = (settle: () => void): void => {
        clearInterval(timer)
        settle()
      }
      const timer = setInterval(() => {
        try {
          this.tick()
        } catch (error) {
          end(() => reject(error as Error))
        }
      }, TURN_MS).unref()
      signal.addEventListener('abort', () => end(resolve), { once: true })
      started()
    })
  }

  /** Tells the next tenth of the sessions. */
  tick(): void {
    const now = this.#now()
    this.#ticked(now)
    for (const session of this.#parts[this.#at]!) session.tick(now)
    this.#at = (this.#at + 1) % PARTS
  }
}
