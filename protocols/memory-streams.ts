import type { Uint8ArrayList } from 'uint8arraylist'
import type { ByteStream } from './byte-stream.ts'

type Listener = (event: never) => void

/**
 * Two byte streams joined in memory, each with a window of `windowBytes` between its ends: what one sends
 * the other receives in a later turn. They behave as libp2p's do: `send` says false when the window is full.
 */
export function memoryStreams({ windowBytes = 262_144 } = {}): [MemoryStream, MemoryStream] {
  const left = new MemoryStream(windowBytes)
  const right = new MemoryStream(windowBytes)
  left.other = right
  right.other = left
  return [left, right]
}

export class MemoryStream implements ByteStream {
  status = 'open'
  readStatus = 'readable'
  remoteWriteStatus = 'writable'
  writableNeedsDrain = false
  other: MemoryStream | undefined
  sentBytes = 0
  readonly #windowBytes: number
  readonly #listeners = new Map<string, Listener[]>()
  #outbox: Uint8Array[] = []
  #inbox: Uint8Array[] = []
  #unreadBytes = 0
  #planned = false
  #finSent = false
  #finReceived = false

  constructor(windowBytes: number) {
    this.#windowBytes = windowBytes
  }

  get readBufferLength(): number {
    return this.#inbox.reduce((sum, piece) => sum + piece.length, 0)
  }

  get writeBufferLength(): number {
    return this.#outbox.reduce((sum, piece) => sum + piece.length, 0)
  }

  addEventListener(type: string, listener: Listener): void {
    this.#listeners.set(type, [...(this.#listeners.get(type) ?? []), listener])
  }

  send(bytes: Uint8Array | Uint8ArrayList): boolean {
    if (this.status !== 'open' || this.#finSent)
      throw new Error(`cannot write to a stream that is ${this.status}`)
    const whole = bytes instanceof Uint8Array ? bytes : bytes.subarray()
    this.sentBytes += whole.length
    this.#outbox.push(whole.slice())
    this.#deliver()
    this.writableNeedsDrain = this.#outbox.length > 0
    return !this.writableNeedsDrain
  }

  pause(): void {
    this.readStatus = 'paused'
  }

  resume(): void {
    this.readStatus = 'readable'
    this.#plan()
  }

  async close(): Promise<void> {
    this.#finSent = true
    while (this.#outbox.length > 0 && this.status === 'open')
      await new Promise(resolve => setImmediate(resolve))
    setImmediate(() => this.other?.receiveFin())
    this.#closeWhenBothEnded()
  }

  abort(error: Error): void {
    if (this.status !== 'open') return
    this.#end('aborted', error)
    const { other } = this
    setImmediate(() => other?.receiveReset())
  }

  receiveReset(): void {
    if (this.status === 'open') this.#end('reset', new Error('the stream was reset by the other side'))
  }

  receiveFin(): void {
    this.#finReceived = true
    this.remoteWriteStatus = 'closed'
    this.#plan()
  }

  receive(piece: Uint8Array): void {
    this.#inbox.push(piece)
    this.#unreadBytes += piece.length
    this.#plan()
  }

  /** Bytes that the other side may still send before it must wait. */
  get window(): number {
    return this.#windowBytes - this.#unreadBytes
  }

  #deliver(): void {
    const { other } = this
    while (other !== undefined && this.#outbox.length > 0 && other.window > 0) {
      const piece = this.#outbox.shift()!
      const fits = piece.subarray(0, other.window)
      if (fits.length < piece.length) this.#outbox.unshift(piece.subarray(fits.length))
      other.receive(fits)
    }
  }

  #plan(): void {
    if (this.#planned) return
    this.#planned = true
    setImmediate(() => {
      this.#planned = false
      this.#read()
    })
  }

  #read(): void {
    if (this.readStatus !== 'readable' || this.status !== 'open') return
    const pieces = this.#inbox
    this.#inbox = []
    for (const data of pieces) {
      this.#unreadBytes -= data.length
      this.#dispatch('message', { data })
    }
    if (pieces.length > 0) this.other?.drain()
    if (this.#finReceived && this.#inbox.length === 0) {
      this.readStatus = 'closed'
      this.#dispatch('remoteCloseWrite', {})
      this.#closeWhenBothEnded()
    }
  }

  drain(): void {
    if (this.status !== 'open' || !this.writableNeedsDrain) return
    this.#deliver()
    this.writableNeedsDrain = this.#outbox.length > 0
    this.#dispatch('drain', {})
  }

  #closeWhenBothEnded(): void {
    if (this.#finSent && this.#finReceived && this.status === 'open') this.#end('closed', undefined)
  }

  #end(status: string, error: Error | undefined): void {
    this.status = status
    this.readStatus = 'closed'
    this.#outbox = []
    this.#dispatch('close', { error })
  }

  #dispatch(type: string, event: object): void {
    for (const listener of this.#listeners.get(type) ?? []) listener(event as never)
  }
}
