import { OapError } from './errors.ts'

/** Calls that wait for a stream; one more is refused, so that what waits is bounded. */
const MAX_WAITING = 1024

/** How many streams one side may have open at once; who wants one more waits for it, in the order of asking. */
export class StreamPlaces {
  readonly #most: number
  readonly #waiting: (() => void)[] = []
  #taken = 0

  constructor(most: number) {
    this.#most = most
  }

  /**
   * Resolves when there is room; what it yields gives the place back, once.
   * @throws OapError `saturated` while 1024 wait already; the reason of an aborted `signal`
   */
  async take(signal?: AbortSignal): Promise<() => void> {
    if (this.#taken < this.#most) this.#taken++
    else await this.#turn(signal)
    let isTaken = true
    return () => {
      if (isTaken) this.#give()
      isTaken = false
    }
  }

  /** The place goes to who waits longest. */
  #give(): void {
    const next = this.#waiting.shift()
    if (next === undefined) this.#taken--
    else next()
  }

  #turn(signal: AbortSignal | undefined): Promise<void> {
    signal?.throwIfAborted()
    if (this.#waiting.length >= MAX_WAITING)
      throw new OapError(
        'saturated',
        `${this.#most} calls have a stream of their own on this connection, as many as may, and ${MAX_WAITING} wait`
      )
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const leave = (): void => {
      this.#waiting.splice(this.#waiting.indexOf(turn), 1)
      reject(signal!.reason as Error)
    }
    const turn = (): void => {
      signal?.removeEventListener('abort', leave)
      resolve()
    }
    this.#waiting.push(turn)
    signal?.addEventListener('abort', leave, { once: true })
    return promise
  }
}
