import type { Duplex } from 'node:stream'
import type { Uint8ArrayList } from 'uint8arraylist'
import type { ByteStream, CloseEvent, MessageEvent } from '../../protocols/index.ts'

interface Listeners {
  readonly message: ((event: MessageEvent) => void)[]
  readonly close: ((event: CloseEvent) => void)[]
  readonly drain: (() => void)[]
  readonly remoteCloseWrite: (() => void)[]
}

/** A local socket, or one end of a pair inside the process, as the byte stream that a session runs on. */
export class SocketStream implements ByteStream {
  status = 'open'
  readonly readBufferLength = 0
  readonly #socket: Duplex
  readonly #on: Listeners = { message: [], close: [], drain: [], remoteCloseWrite: [] }
  #ended = false
  #error: Error | undefined

  constructor(socket: Duplex) {
    this.#socket = socket
    socket.on('data', (data: Uint8Array) => this.#tell('message', { data }))
    socket.on('drain', () => this.#tell('drain', undefined))
    socket.on('end', () => {
      this.#ended = true
      this.#tell('remoteCloseWrite', undefined)
    })
    socket.on('error', error => (this.#error = error))
    socket.on('close', () => {
      this.status = 'closed'
      this.#tell('close', this.#error === undefined ? {} : { error: this.#error })
    })
  }

  get readStatus(): string {
    if (this.#ended || this.status !== 'open') return 'closed'
    return this.#socket.isPaused() ? 'paused' : 'readable'
  }

  get writableNeedsDrain(): boolean {
    return this.#socket.writableNeedDrain
  }

  send(bytes: Uint8Array | Uint8ArrayList): boolean {
    return this.#socket.write(bytes instanceof Uint8Array ? bytes : bytes.subarray())
  }

  pause(): void {
    this.#socket.pause()
  }

  resume(): void {
    this.#socket.resume()
  }

  close(): Promise<void> {
    return new Promise(resolve => this.#socket.end(resolve))
  }

  abort(error: Error): void {
    this.status = 'aborted'
    this.#socket.destroy(error)
  }

  addEventListener<K extends keyof Listeners>(type: K, listener: Listeners[K][number]): void {
    ;(this.#on[type] as Listeners[K][number][]).push(listener)
  }

  #tell<K extends keyof Listeners>(type: K, event: Parameters<Listeners[K][number]>[0]): void {
    for (const listener of this.#on[type]) (listener as (event: unknown) => void)(event)
  }
}
