import type { Connection, MessageStream, StreamMuxer, StreamMuxerFactory } from '@libp2p/interface'
import { TypedEventEmitter } from '@libp2p/interface'
import type { StreamMuxerEvents } from '@libp2p/interface'
import { RawStream } from './raw-stream.ts'
import { protocolLine } from './protocol-line.ts'
import { YAMUX, YAMUX_FLAG, YAMUX_HEADER_BYTES, yamuxHeader } from './yamux-header.ts'
import type { YamuxHeader } from './yamux-header.ts'

const NO_BYTES = new Uint8Array(0)
const DECLINED = Buffer.concat([protocolLine('/multistream/1.0.0'), protocolLine('na')])

/**
 * Yamux written by hand over an encrypted connection, with nothing that keeps its owner from breaking its rules.
 * Whatever protocol the other side asks for is declined, its pings included, which keeps the connection alive.
 */
export class YamuxLink {
  readonly #encrypted: MessageStream
  readonly #streams = new Map<number, RawStream>()
  readonly #gone = Promise.withResolvers<void>()
  readonly #answered = Promise.withResolvers<void>()
  #nextId = 1
  #unread: Buffer = Buffer.alloc(0)
  #isGone = false

  constructor(encrypted: MessageStream) {
    this.#encrypted = encrypted
    encrypted.addEventListener('message', ({ data }) => this.#receive(data.subarray()))
    encrypted.addEventListener('close', () => this.#end())
    encrypted.addEventListener('remoteCloseWrite', () => this.#end())
  }

  /** Resolves when the other side has ended the connection. */
  get gone(): Promise<void> {
    return this.#gone.promise
  }

  get isGone(): boolean {
    return this.#isGone
  }

  /** Sends bytes as they are. False when the socket asks to wait. */
  send(bytes: Uint8Array): boolean {
    if (this.#isGone) return true
    try {
      return this.#encrypted.send(bytes)
    } catch {
      return true
    }
  }

  frame(header: YamuxHeader, body: Uint8Array = NO_BYTES): boolean {
    return this.send(body.length === 0 ? yamuxHeader(header) : Buffer.concat([yamuxHeader(header), body]))
  }

  /** Opens a stream; negotiates nothing. */
  open(): RawStream {
    const id = this.#nextId
    this.#nextId += 2
    const stream = new RawStream(this, id)
    this.#streams.set(id, stream)
    this.frame({ type: YAMUX.windowUpdate, flag: YAMUX_FLAG.syn, streamId: id, length: 0 })
    return stream
  }

  /** Resolves once the other side has answered: from then on it hears of streams. */
  async answers(): Promise<void> {
    this.frame({ type: YAMUX.ping, flag: YAMUX_FLAG.syn, streamId: 0, length: 0 })
    await Promise.race([this.#answered.promise, this.#gone.promise])
  }

  forget(id: number): void {
    this.#streams.delete(id)
  }

  /** Leaves without a word. */
  drop(): void {
    this.#encrypted.abort(new Error('left'))
    this.#end()
  }

  /** Stops reading the socket itself. */
  pause(): void {
    this.#encrypted.pause()
  }

  /** Waits until the socket takes more. */
  async drained(): Promise<void> {
    if (this.#isGone || !this.#encrypted.writableNeedsDrain) return
    await new Promise<void>(resolve => {
      this.#encrypted.addEventListener('drain', () => resolve(), { once: true })
      void this.#gone.promise.then(resolve)
    })
  }

  #decline(streamId: number): void {
    this.frame({ type: YAMUX.windowUpdate, flag: YAMUX_FLAG.ack, streamId, length: 0 })
    this.frame({ type: YAMUX.data, flag: YAMUX_FLAG.fin, streamId, length: DECLINED.length }, DECLINED)
  }

  #end(): void {
    this.#isGone = true
    this.#gone.resolve()
    for (const stream of this.#streams.values()) stream.onReset()
    this.#streams.clear()
  }

  #receive(bytes: Uint8Array): void {
    this.#unread = this.#unread.length === 0 ? Buffer.from(bytes) : Buffer.concat([this.#unread, bytes])
    let at = 0
    while (this.#unread.length - at >= YAMUX_HEADER_BYTES) {
      const bodyBytes = this.#unread[at + 1] === YAMUX.data ? this.#unread.readUInt32BE(at + 8) : 0
      if (this.#unread.length - at < YAMUX_HEADER_BYTES + bodyBytes) break
      this.#take(this.#unread.subarray(at, at + YAMUX_HEADER_BYTES + bodyBytes))
      at += YAMUX_HEADER_BYTES + bodyBytes
    }
    this.#unread = this.#unread.subarray(at)
  }

  #take(frame: Buffer): void {
    const [type, flag, streamId] = [frame[1]!, frame.readUInt16BE(2), frame.readUInt32BE(4)]
    const length = frame.readUInt32BE(8)
    if (type === YAMUX.ping && flag === YAMUX_FLAG.ack) this.#answered.resolve()
    else if (type === YAMUX.ping && flag === YAMUX_FLAG.syn) {
      this.frame({ type, flag: YAMUX_FLAG.ack, streamId: 0, length })
    } else if (streamId !== 0 && (flag & YAMUX_FLAG.syn) !== 0) {
      this.#decline(streamId)
    } else if (streamId !== 0) {
      const stream = this.#streams.get(streamId)
      if (type === YAMUX.windowUpdate) stream?.onCredit(length)
      else stream?.onData(frame.subarray(YAMUX_HEADER_BYTES))
      if ((flag & YAMUX_FLAG.fin) !== 0) stream?.onFin()
      if ((flag & YAMUX_FLAG.rst) !== 0) stream?.onReset()
    }
  }
}

/** Gives libp2p a muxer that leaves the encrypted connection to a YamuxLink. */
export const rawYamux = (): (() => StreamMuxerFactory) => () => ({
  protocol: '/yamux/1.0.0',
  createStreamMuxer: encrypted => new RawMuxer(encrypted) as unknown as StreamMuxer
})

class RawMuxer extends TypedEventEmitter<StreamMuxerEvents> {
  readonly protocol = '/yamux/1.0.0'
  readonly streams = []
  readonly status = 'open'
  readonly link: YamuxLink

  constructor(encrypted: MessageStream) {
    super()
    this.link = new YamuxLink(encrypted)
  }

  async close(): Promise<void> {}

  abort(): void {}
}

export const linkOf = (connection: Connection): YamuxLink =>
  (connection as unknown as { readonly muxer: RawMuxer }).muxer.link
