import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import type { Connection, Stream } from '@libp2p/interface'
import { decodeFrame } from '../../specs/index.ts'
import type { DecodedFrame } from '../../specs/index.ts'
import { senderFault } from './sender-rules.ts'

const OAP_PROTOCOL = '/oap/1.0.0'
const OPEN_TIMEOUT_MS = 10_000
const WRITE_TIMEOUT_MS = 10_000
const MAX_UNTAKEN_BYTES = 64 * 1024 * 1024

export type End = 'fin' | 'reset' | 'bad bytes'

/**
 * One raw stream: writes any bytes, and keeps the frames that come until a step takes them. A frame that no
 * responder may send ends it.
 */
export class Wire {
  readonly #stream: Stream
  #buffer = Buffer.alloc(0)
  #untaken: DecodedFrame[] = []
  #untakenBytes = 0
  #end: End | undefined
  #fault: string | undefined
  #changed = Promise.withResolvers<void>()

  constructor(stream: Stream) {
    this.#stream = stream
    stream.addEventListener('message', ({ data }) => this.#receive(data.subarray()))
    stream.addEventListener('remoteCloseWrite', () => this.#finish('fin'))
    stream.addEventListener('close', ({ error }) => this.#finish(error ? 'reset' : 'fin'))
    if (stream.status !== 'open') this.#finish('reset')
  }

  static async open(connection: Connection): Promise<Wire> {
    const signal = AbortSignal.timeout(OPEN_TIMEOUT_MS)
    return new Wire(await connection.newStream(OAP_PROTOCOL, { signal, maxOutboundStreams: 512 }))
  }

  get end(): End | undefined {
    return this.#end
  }

  /** What made the bytes bad, where it was a frame that may not be sent. */
  get fault(): string | undefined {
    return this.#fault
  }

  get untaken(): readonly DecodedFrame[] {
    return this.#untaken
  }

  /** Resolves once the multiplexer can take more; a stream that the node ended takes everything and loses it. */
  async write(bytes: Uint8Array): Promise<void> {
    if (this.#stream.status !== 'open' || this.#stream.writeStatus !== 'writable') return
    if (this.#stream.send(bytes)) return
    const signal = AbortSignal.timeout(WRITE_TIMEOUT_MS)
    while (this.#stream.writableNeedsDrain && this.#stream.status === 'open') {
      await Promise.race([once(this.#stream, 'drain', { signal }), once(this.#stream, 'close', { signal })])
    }
  }

  /**
   * Reads nothing and repeats the bytes until the node has taken none for `stallMs`, then reads on.
   * Resolves with how much it took; undefined when that is more than `mostBytes`.
   */
  async flood(bytes: Uint8Array, mostBytes: number, stallMs: number): Promise<number | undefined> {
    this.#stream.pause()
    try {
      for (let taken = 0; taken <= mostBytes; taken += bytes.length) {
        if (this.#stream.send(bytes)) continue
        const signal = AbortSignal.timeout(stallMs)
        const waited = await once(this.#stream, 'drain', { signal }).catch(() => undefined)
        if (waited === undefined) return taken
      }
      return undefined
    } finally {
      this.#stream.resume()
    }
  }

  /** Takes the first frame that matches out of those that came or come in time; undefined if there is none. */
  async take(matches: (frame: DecodedFrame) => boolean, withinMs: number): Promise<DecodedFrame | undefined> {
    const found = (): number => this.#untaken.findIndex(matches)
    await this.#until(() => found() >= 0 || this.#end !== undefined, withinMs)
    const at = found()
    if (at < 0) return undefined
    const [frame] = this.#untaken.splice(at, 1)
    this.#untakenBytes -= frame!.len
    return frame
  }

  forget(corrId: string): void {
    this.#untaken = this.#untaken.filter(frame => frame.corr_id !== corrId)
  }

  /** Resolves with how the node ended its half, or undefined when it did not in time. */
  async ended(withinMs: number): Promise<End | undefined> {
    await this.#until(() => this.#end !== undefined, withinMs)
    return this.#end
  }

  async fin(): Promise<void> {
    await this.#stream.close({ signal: AbortSignal.timeout(WRITE_TIMEOUT_MS) }).catch(() => undefined)
  }

  reset(): void {
    this.#stream.abort(new Error('reset by the conformance runner'))
  }

  async #until(condition: () => boolean, withinMs: number): Promise<void> {
    const late = new AbortController()
    const timer = delay(withinMs, 'late', { signal: late.signal }).catch(() => 'late')
    try {
      while (!condition()) {
        if ((await Promise.race([this.#changed.promise, timer])) === 'late') return
      }
    } finally {
      late.abort()
    }
  }

  #receive(bytes: Uint8Array): void {
    this.#buffer = Buffer.concat([this.#buffer, bytes])
    for (;;) {
      const decoded = decodeFrame(this.#buffer)
      if (decoded.outcome === 'partial') break
      if (decoded.outcome !== 'frame') return this.#break(decoded.outcome)
      const fault = senderFault(this.#buffer.subarray(0, decoded.next), decoded.frame)
      if (fault !== undefined) return this.#break(`${fault}: ${describe(decoded.frame)}`)
      this.#untaken.push(decoded.frame)
      this.#untakenBytes += decoded.frame.len
      this.#buffer = this.#buffer.subarray(decoded.next)
    }
    if (this.#untakenBytes > MAX_UNTAKEN_BYTES) return this.#break('more than 64 MiB that were not asked for')
    this.#notify()
  }

  #break(fault: string): void {
    this.#fault = fault
    this.#finish('bad bytes')
    this.reset()
  }

  // FIN may be followed by a reset; what is not followed by anything stays what it was.
  #finish(end: End): void {
    if (this.#end === undefined || (this.#end === 'fin' && end === 'reset')) this.#end = end
    this.#notify()
  }

  #notify(): void {
    this.#changed.resolve()
    this.#changed = Promise.withResolvers()
  }
}

/** What came, in words, for a step that waited for something else. */
export function whatCame(wire: Wire, withinMs: number): string {
  const frames = wire.untaken.slice(0, 3).map(describe)
  const more = wire.untaken.length > 3 ? [`and ${wire.untaken.length - 3} more`] : []
  const end = wire.end === undefined ? `nothing more in ${withinMs} ms` : ENDS[wire.end]
  return [...frames, ...more, wire.fault === undefined ? end : `${end}: ${wire.fault}`].join('; ')
}

const ENDS: Record<End, string> = {
  fin: 'the end of the stream',
  reset: 'a reset',
  'bad bytes': 'bytes that no responder may send'
}

export function describe(frame: DecodedFrame): string {
  const { flags, code, app, corr_id, payload } = frame
  const text = payload.length > 120 ? `${payload.length} bytes` : JSON.stringify(payload.toString('latin1'))
  return `${flags.join('|')} app ${app} code ${code} corr ${corr_id} ${text}`
}
