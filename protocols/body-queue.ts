/** Takes and gives back the bytes that a queue holds, so that its owner can make the sender wait. */
export interface HeldBytes {
  held(bytes: number): void
  taken(bytes: number): void
}

/** What a waiting piece costs beside its bytes; a body of one-byte frames is no way around the bound. */
const PIECE_OVERHEAD_BYTES = 128

interface Piece {
  readonly bytes: Uint8Array
  readonly isPacked: boolean
}

/**
 * A streamed body on its way from the wire to one reader: pieces in order, counted while they wait.
 * A packed piece is unpacked when the reader takes it, and what it unpacks to waits nowhere.
 * `end()` finishes it, `fail()` breaks it; a reader that returns early drops the rest.
 */
export class BodyQueue implements AsyncIterable<Uint8Array> {
  readonly #owner: HeldBytes
  readonly #unpack: (bytes: Uint8Array) => Uint8Array
  #pieces: Piece[] = []
  #bytes = 0
  #ended = false
  #dropped = false
  #error: Error | undefined
  #wake: (() => void) | undefined

  constructor(owner: HeldBytes, unpack: (bytes: Uint8Array) => Uint8Array = asIs) {
    this.#owner = owner
    this.#unpack = unpack
  }

  push(bytes: Uint8Array, isPacked = false): void {
    if (this.#dropped || this.#error !== undefined) return
    this.#pieces.push({ bytes: withoutRest(bytes), isPacked })
    this.#bytes += costOf(bytes)
    this.#owner.held(costOf(bytes))
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

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void, undefined> {
    try {
      for (;;) {
        const next = this.#pieces.shift()
        if (next !== undefined) {
          const bytes = this.#take(next)
          if (bytes.length > 0 || !next.isPacked) yield bytes
        } else if (this.#error !== undefined) throw this.#error
        else if (this.#ended) return
        else await new Promise<void>(resolve => (this.#wake = resolve))
      }
    } finally {
      this.drop()
    }
  }

  #take({ bytes, isPacked }: Piece): Uint8Array {
    this.#bytes -= costOf(bytes)
    this.#owner.taken(costOf(bytes))
    return isPacked ? this.#unpack(bytes) : bytes
  }

  #release(): void {
    this.#pieces = []
    if (this.#bytes > 0) this.#owner.taken(this.#bytes)
    this.#bytes = 0
  }
}

/** A small piece of a large record must not keep all of it. */
const withoutRest = (bytes: Uint8Array): Uint8Array =>
  bytes.buffer.byteLength > 2 * costOf(bytes) ? bytes.slice() : bytes

const costOf = (bytes: Uint8Array): number => bytes.length + PIECE_OVERHEAD_BYTES

const asIs = (bytes: Uint8Array): Uint8Array => bytes
