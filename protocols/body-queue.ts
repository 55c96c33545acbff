/** Takes and gives back the bytes that a queue holds, so that its owner can make the sender wait. */
export interface HeldBytes {
  held(bytes: number): void
  taken(bytes: number): void
}

/**
 * A streamed body on its way from the wire to one reader: pieces in order, counted while they wait.
 * `end()` finishes it, `fail()` breaks it; a reader that returns early drops the rest.
 */
export class BodyQueue<T = Uint8Array> implements AsyncIterable<T> {
  readonly #owner: HeldBytes
  #pieces: { readonly piece: T; readonly bytes: number }[] = []
  #bytes = 0
  #ended = false
  #dropped = false
  #error: Error | undefined
  #wake: (() => void) | undefined

  constructor(owner: HeldBytes) {
    this.#owner = owner
  }

  get bytes(): number {
    return this.#bytes
  }

  get isEnded(): boolean {
    return this.#ended
  }

  push(piece: T, bytes: number): void {
    if (this.#dropped || this.#error !== undefined) return
    this.#pieces.push({ piece, bytes })
    this.#bytes += bytes
    this.#owner.held(bytes)
    this.#wake?.()
  }

  end(): void {
    this.#ended = true
    this.#wake?.()
  }

  fail(error: Error): void {
    if (this.#error !== undefined || this.#dropped) return
    this.#error = error
    this.#release()
    this.#wake?.()
  }

  /** Forgets what waits and whatever still comes. */
  drop(): void {
    this.#dropped = true
    this.#ended = true
    this.#release()
    this.#wake?.()
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T, void, undefined> {
    try {
      for (;;) {
        const next = this.#pieces.shift()
        if (next !== undefined) {
          this.#bytes -= next.bytes
          this.#owner.taken(next.bytes)
          yield next.piece
        } else if (this.#error !== undefined) throw this.#error
        else if (this.#ended) return
        else await new Promise<void>(resolve => (this.#wake = resolve))
      }
    } finally {
      this.drop()
    }
  }

  #release(): void {
    this.#pieces = []
    if (this.#bytes > 0) this.#owner.taken(this.#bytes)
    this.#bytes = 0
  }
}
