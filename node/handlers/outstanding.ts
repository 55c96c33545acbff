export interface OutstandingBounds {
  readonly most: number
  readonly mostBytes: number
}

/** What a subscriber has in its hands and not settled, within bounds; without bounds there is always room. */
export class Outstanding {
  readonly #bounds: OutstandingBounds | undefined
  #messages = 0
  #bytes = 0
  #wake: (() => void) | undefined

  constructor(bounds: OutstandingBounds | undefined) {
    this.#bounds = bounds
  }

  /** How many more messages there may be; at least 1 when `room` has resolved. */
  get messages(): number {
    return this.#bounds === undefined ? Infinity : this.#bounds.most - this.#messages
  }

  get bytes(): number {
    return this.#bounds === undefined ? Infinity : Math.max(1, this.#bounds.mostBytes - this.#bytes)
  }

  begin(bytes: number): void {
    this.#messages++
    this.#bytes += bytes
  }

  over(bytes: number): void {
    this.#messages--
    this.#bytes -= bytes
    this.#wake?.()
  }

  /** Resolves when there may be one more, or when the signal aborts. */
  async room(signal: AbortSignal): Promise<void> {
    while (this.#isFull && !signal.aborted) await this.#change(signal)
  }

  get #isFull(): boolean {
    if (this.#bounds === undefined || this.#messages === 0) return false
    return this.#messages >= this.#bounds.most || this.#bytes >= this.#bounds.mostBytes
  }

  #change(signal: AbortSignal): Promise<void> {
    return new Promise(resolve => {
      const end = (): void => {
        signal.removeEventListener('abort', end)
        this.#wake = undefined
        resolve()
      }
      this.#wake = end
      signal.addEventListener('abort', end, { once: true })
    })
  }
}
