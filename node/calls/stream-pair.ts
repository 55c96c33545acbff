import type { Uint8ArrayList } from 'uint8arraylist'
import type { ByteStream, CloseEvent, MessageEvent } from '../../protocols/index.ts'

interface Listeners {
  readonly message: ((event: MessageEvent) => void)[]
  readonly close: ((event: CloseEvent) => void)[]
  readonly drain: (() => void)[]
  readonly remoteCloseWrite: (() => void)[]
}

/** Unread bytes of one end from which on the other is asked to wait. */
const WINDOW_BYTES = 64 * 1024

/**
 * Two byte streams joined inside the process: what one sends the other receives soon, in order, by reference. An end that is
 * aborted closes the other without an error; both close once both have ended their halves. Made for calls by the thousand a
 * second; those of `protocols/memory-streams.ts` behave as libp2p's do, for tests.
 */
export function streamPair(): readonly [ByteStream, ByteStream] {
  const one = new PairStream()
  const other = new PairStream(one)
  return [one, other]
}

/** Listeners are called from microtasks of their own, as those of sockets are from turns: never from within a call to the stream. */
class PairStream implements ByteStream {
  status = 'open'
  onBytes: ByteStream['onBytes'] = undefined
  readonly #on: Listeners = { message: [], close: [], drain: [], remoteCloseWrite: [] }
  #other: PairStream
  #inbox: (Uint8Array | Uint8ArrayList)[] = []
  #unreadBytes = 0
  #isPaused = false
  #isPlanned = false
  #hasSentFin = false
  #hasReadFin = false
  #waits = false

  constructor(other?: PairStream) {
    this.#other = other ?? this
    if (other !== undefined) other.#other = this
  }

  get readStatus(): string {
    if (this.#hasReadFin || this.status !== 'open') return 'closed'
    return this.#isPaused ? 'paused' : 'readable'
  }

  get readBufferLength(): number {
    return this.#unreadBytes
  }

  get writableNeedsDrain(): boolean {
    return this.#waits
  }

  send(bytes: Uint8Array | Uint8ArrayList): boolean {
    if (this.status !== 'open' || this.#hasSentFin) throw new Error('this end sends no more')
    const other = this.#other
    other.#inbox.push(bytes)
    other.#unreadBytes += bytes.byteLength
    other.#plan()
    this.#waits = other.#unreadBytes >= WINDOW_BYTES
    return !this.#waits
  }

  pause(): void {
    this.#isPaused = true
  }

  resume(): void {
    this.#isPaused = false
    this.#plan()
  }

  async close(): Promise<void> {
    if (this.status !== 'open') return
    this.#hasSentFin = true
    this.#other.#plan()
    this.#plan()
  }

  abort(error: Error): void {
    this.#end('aborted', { error })
    this.#other.#end('closed', {})
  }

  addEventListener<K extends keyof Listeners>(type: K, listener: Listeners[K][number]): void {
    ;(this.#on[type] as Listeners[K][number][]).push(listener)
  }

  #plan(): void {
    if (this.#isPlanned) return
    this.#isPlanned = true
    queueMicrotask(() => {
      this.#isPlanned = false
      this.#read()
    })
  }

  #read(): void {
    for (let data; this.readStatus === 'readable' && (data = this.#inbox.shift()) !== undefined;) {
      this.#unreadBytes -= data.byteLength
      this.#tell('message', { data })
    }
    const other = this.#other
    if (other.#waits && this.#unreadBytes < WINDOW_BYTES / 2) {
      other.#waits = false
      other.#tell('drain', undefined)
    }
    if (other.#hasSentFin && this.#inbox.length === 0 && this.readStatus === 'readable') {
      this.#hasReadFin = true
      this.#tell('remoteCloseWrite', undefined)
    }
    const hasEnded = this.#hasReadFin && this.#hasSentFin
    if (!hasEnded || !other.#hasReadFin) return
    this.#end('closed', {})
    other.#end('closed', {})
  }

  #end(status: string, event: CloseEvent): void {
    if (this.status !== 'open') return
    this.status = status
    this.#inbox = []
    this.#unreadBytes = 0
    queueMicrotask(() => this.#tell('close', event))
  }

  #tell<K extends keyof Listeners>(type: K, event: Parameters<Listeners[K][number]>[0]): void {
    for (const listener of this.#on[type]) (listener as (event: unknown) => void)(event)
  }
}
