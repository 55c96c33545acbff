import type { ByteStream, CloseEvent, MessageEvent } from './byte-stream.ts'

export interface StreamSink {
  bytes(piece: Uint8Array): void
  /** Every piece of one event has been handed over. */
  turn(): void
  /** The other side will send no more, and all that it sent has been handed over. */
  finished(): void
  /** The stream is gone; `error` says why, when it did not end in peace. */
  closed(error: Error | undefined): void
}

/**
 * Hands over what a stream receives, with a pause that holds.
 * A pause asked for while `stream.resume()` runs would be forgotten by the muxer: it is applied after.
 */
export class StreamReader {
  readonly #stream: ByteStream
  readonly #sink: StreamSink
  #paused = false
  #resuming = false
  #finSeen = false
  #finTold = false

  constructor(stream: ByteStream, sink: StreamSink) {
    this.#stream = stream
    this.#sink = sink
    stream.addEventListener('message', (event: MessageEvent) => this.#receive(event.data))
    stream.onBytes = data => this.#receive(data)
    stream.addEventListener('remoteCloseWrite', () => this.#sawFin())
    stream.addEventListener('close', (event: CloseEvent) => sink.closed(event.error))
    // A FIN that came during the protocol's negotiation has told its event to nobody.
    if (stream.remoteWriteStatus === 'closed') this.#sawFin()
  }

  get isPaused(): boolean {
    return this.#paused
  }

  pause(): void {
    this.#paused = true
    if (!this.#resuming && this.#stream.readStatus === 'readable') this.#stream.pause()
  }

  resume(): void {
    this.#paused = false
    if (this.#stream.readStatus === 'paused' && !this.#resuming) this.#resumeStream()
    this.#tellFinished()
  }

  #resumeStream(): void {
    this.#resuming = true
    try {
      this.#stream.resume()
    } finally {
      this.#resuming = false
    }
    if (this.#paused && this.#stream.readStatus === 'readable') this.#stream.pause()
  }

  #sawFin(): void {
    this.#finSeen = true
    // A muxer frame may carry the last bytes beside its FIN, and reports the FIN first.
    queueMicrotask(() => this.#tellFinished())
  }

  #receive(data: MessageEvent['data']): void {
    if (data instanceof Uint8Array) this.#sink.bytes(data)
    else for (const piece of data) this.#sink.bytes(piece)
    this.#sink.turn()
    this.#tellFinished()
  }

  #tellFinished(): void {
    if (!this.#finSeen || this.#finTold || this.#paused || this.#stream.readBufferLength > 0) return
    this.#finTold = true
    this.#sink.finished()
  }
}
