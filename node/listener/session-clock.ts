import type { ServerSession } from '../../protocols/index.ts'

const TICK_MS = 250

/** Tells every open session the time, four times a second, so that none needs timers of its own. */
export class SessionClock {
  readonly #sessions = new Set<ServerSession>()
  readonly #now: () => number

  constructor(now: () => number) {
    this.#now = now
  }

  add(session: ServerSession): void {
    this.#sessions.add(session)
  }

  delete(session: ServerSession): void {
    this.#sessions.delete(session)
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
      }, TICK_MS).unref()
      signal.addEventListener('abort', () => end(resolve), { once: true })
      started()
    })
  }

  tick(): void {
    const now = this.#now()
    for (const session of this.#sessions) session.tick(now)
  }
}
