import { StreamMessageEvent } from '@libp2p/interface'
import { YamuxStream } from '@libp2p/yamux/stream'
import { canDeliverNow, canSendNow, innards } from './message-stream.ts'
import type { Bytes, StreamInnards } from './message-stream.ts'
import { isScattered, joined } from './scattered.ts'
import { Listeners } from './listeners.ts'
import { DATA, WINDOW_UPDATE } from './yamux-frames.ts'
import type { FrameHeader } from './yamux-frames.ts'

/** What @libp2p/yamux 8.0.3 keeps in a stream. */
interface YamuxInnards extends StreamInnards {
  sendWindowCapacity: number
  recvWindow: number
  recvWindowCapacity: number
  readonly maxStreamWindowSize: number
  epochStart: number
  getRTT(): number
  getSendFlags(): number
  sendFrame(header: FrameHeader, body?: Bytes): boolean
}

/**
 * A yamux stream that gives credit for what its reader consumed, not for what arrived: window plus unread bytes never
 * exceed the window size, so a paused stream cannot overflow. Credit goes out once half a window has been consumed,
 * never while the stream is paused, and always after it resumes. It keeps its listeners in a list of its own.
 */
export class FrugalStream extends YamuxStream {
  /** Made by the first listener, which the constructors above add: a field with a value would come after them. */
  declare private listeners: Listeners | undefined
  /** Takes what arrives while nothing is buffered, as a `message` event would bring it, at less than half its cost. */
  onBytes: ((data: Bytes) => void) | undefined
  #unreadPieces = 0

  override addEventListener(
    type: string,
    listener: unknown,
    options?: boolean | AddEventListenerOptions
  ): void {
    if (listener === null) return
    this.listeners ??= new Listeners()
    if (!this.listeners.add(type, listener as EventListener, options)) return
    // What was buffered goes to the first that listens, once the caller is done.
    if (type === 'message' && this.readBufferLength > 0) queueMicrotask(() => this.dispatchReadBuffer())
  }

  override removeEventListener(type: string, listener?: unknown): void {
    this.listeners?.remove(type, listener as EventListener)
  }

  override listenerCount(type: string): number {
    return this.listeners?.count(type) ?? 0
  }

  override dispatchEvent(event: Event): boolean {
    this.listeners?.dispatch(event)
    return !event.defaultPrevented
  }

  override send(data: Bytes): boolean {
    const own = yamuxInnards(this)
    const { byteLength } = data
    if (byteLength === 0 || byteLength > own.sendWindowCapacity || !canSendNow(own)) return super.send(data)
    try {
      own.sendWindowCapacity -= byteLength
      const header = { type: DATA, flag: own.getSendFlags(), streamID: this.streamId, length: byteLength }
      const more = own.sendFrame(header, data)
      if (!more) this.writableNeedsDrain = true
      return more
    } catch (err) {
      this.abort(err as Error)
      throw err
    }
  }

  override onData(data: Bytes): void {
    if (canDeliverNow(innards(this)) && data.byteLength > 0 && this.listenerCount('message') > 0) {
      this.#deliver(data)
    } else {
      super.onData(pinsMuch(data) ? data.slice() : data)
      this.#joinUnread()
    }
  }

  #deliver(data: Bytes): void {
    if (this.onBytes === undefined) return void this.dispatchEvent(new StreamMessageEvent(data))
    try {
      this.onBytes(data)
    } catch (err) {
      this.abort(err as Error)
    }
  }

  #joinUnread(): void {
    const { readBuffer } = innards(this)
    this.#unreadPieces = readBuffer.byteLength === 0 ? 0 : this.#unreadPieces + 1
    if (!isScattered(this.#unreadPieces, readBuffer.byteLength)) return
    const whole = joined(readBuffer)
    readBuffer.consume(whole.byteLength)
    readBuffer.append(whole)
    this.#unreadPieces = 1
  }

  protected override dispatchReadBuffer(): void {
    super.dispatchReadBuffer()
    this.sendWindowUpdate()
  }

  // Pausing is `readStatus`; the state machine keeps what it must still tell the peer (SYN, ACK).
  override sendPause(): void {}

  // A listener may pause again while resume() hands out what was buffered; that pause counts.
  override sendResume(): void {
    this.sendWindowUpdate()
  }

  override sendWindowUpdate(): void {
    const own = yamuxInnards(this)
    if (this.status !== 'open') return
    const flag = own.getSendFlags()
    if (flag === 0 && (this.readStatus !== 'readable' || this.remoteWriteStatus === 'closed')) return
    const consumed = own.recvWindow - own.recvWindowCapacity - own.readBuffer.byteLength
    if (flag === 0 && consumed < own.recvWindow / 2) return
    if (flag === 0) grow(own)
    const credit = Math.max(0, own.recvWindow - own.recvWindowCapacity - own.readBuffer.byteLength)
    own.recvWindowCapacity += credit
    own.sendFrame({ type: WINDOW_UPDATE, flag, streamID: this.streamId, length: credit })
  }
}

/** How many bytes the peer may still send on a stream. */
export function receiveWindow(stream: YamuxStream): number {
  return yamuxInnards(stream).recvWindowCapacity
}

function yamuxInnards(stream: YamuxStream): YamuxInnards {
  return stream as unknown as YamuxInnards
}

/** A view that would keep much more in memory than it shows, for as long as it is unread. */
function pinsMuch(data: Bytes): data is Uint8Array {
  return data instanceof Uint8Array && data.buffer.byteLength > 2 * data.byteLength
}

/** Doubles the window of a reader that consumed half of it within four round trips. */
function grow(own: YamuxInnards): void {
  const now = Date.now()
  const rtt = own.getRTT()
  if (rtt >= 0 && now - own.epochStart <= rtt * 4) {
    own.recvWindow = Math.min(own.recvWindow * 2, own.maxStreamWindowSize)
  }
  own.epochStart = now
}
