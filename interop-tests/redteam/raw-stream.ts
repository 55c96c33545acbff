import { FrameDecoder, OAP_PROTOCOL } from 'omnigate/protocols'
import type { Frame } from 'omnigate/protocols'
import { protocolLine } from './protocol-line.ts'
import { YAMUX, YAMUX_FLAG } from './yamux-header.ts'
import type { YamuxLink } from './yamux-link.ts'

const INITIAL_WINDOW_BYTES = 262_144
const ANSWER_MS = 8000
const LARGEST_WRITE_BYTES = 65_536

/** One answer frame, kept as plain values. */
export interface Seen {
  readonly flags: number
  readonly code: number
  readonly app: number
  readonly corr: bigint
  readonly payload: Uint8Array
}

export type Ending = 'open' | 'fin' | 'reset'

/** A yamux stream under full control of its owner. What arrives is credited back at once unless `isGreedy` is false. */
export class RawStream {
  readonly id: number
  readonly #link: YamuxLink
  #window = INITIAL_WINDOW_BYTES
  #wake: (() => void)[] = []
  #negotiation: number
  readonly #decoder: FrameDecoder
  readonly frames: Seen[] = []
  /** False: takes what the window allows and grants no more. */
  isGreedy = true
  /** False: counts the frames and forgets them. */
  keepsFrames = true
  /** Gets what arrives in place of the frames' decoder. */
  reader: ((bytes: Uint8Array) => void) | undefined
  framesSeen = 0
  bytesSeen = 0
  ending: Ending = 'open'

  constructor(link: YamuxLink, id: number) {
    this.#link = link
    this.id = id
    this.#negotiation = negotiated.length
    this.#decoder = new FrameDecoder({
      frame: frame => this.#frame(frame),
      fault: ({ code }) => {
        throw new Error(`the node sent a frame that is ${code}`)
      }
    })
  }

  get window(): number {
    return this.#window
  }

  /** Sends the opening of multistream-select for OAP without waiting for its answer. */
  negotiate(protocol = OAP_PROTOCOL): this {
    this.writeNow(Buffer.concat([protocolLine('/multistream/1.0.0'), protocolLine(protocol)]))
    return this
  }

  /** Resolves once the node has agreed to speak OAP. */
  async ready(): Promise<this> {
    while (this.#negotiation > 0 && this.ending === 'open') if (await this.#changed(ANSWER_MS)) break
    return this
  }

  /** Sends at once, whatever the window says. */
  writeNow(bytes: Uint8Array): boolean {
    this.#window -= bytes.length
    return this.#link.frame({ type: YAMUX.data, streamId: this.id, length: bytes.length }, bytes)
  }

  /** Sends within the window; false when the stream ended before all was sent, or nothing moved for `stallMs`. */
  async write(bytes: Uint8Array, { stallMs = ANSWER_MS } = {}): Promise<boolean> {
    for (let at = 0; at < bytes.length;) {
      if (this.ending === 'reset' || this.#link.isGone) return false
      const size = Math.min(this.#window, bytes.length - at, LARGEST_WRITE_BYTES)
      if (size <= 0) {
        const isStalled = await this.#changed(stallMs)
        if (isStalled) return false
        continue
      }
      if (!this.writeNow(bytes.subarray(at, at + size))) await this.#link.drained()
      at += size
    }
    return true
  }

  credit(bytes: number): void {
    this.#link.frame({ type: YAMUX.windowUpdate, streamId: this.id, length: bytes })
  }

  fin(): void {
    this.#link.frame({ type: YAMUX.windowUpdate, flag: YAMUX_FLAG.fin, streamId: this.id, length: 0 })
  }

  reset(): void {
    this.#link.frame({ type: YAMUX.windowUpdate, flag: YAMUX_FLAG.rst, streamId: this.id, length: 0 })
    this.#link.forget(this.id)
    this.ending = 'reset'
  }

  /** The first frame that matches, or undefined when the stream ends or `withinMs` passes. */
  async next(
    matches: (frame: Seen) => boolean = () => true,
    withinMs = ANSWER_MS
  ): Promise<Seen | undefined> {
    const until = performance.now() + withinMs
    for (;;) {
      const found = this.frames.findIndex(matches)
      if (found >= 0) return this.frames.splice(found, 1)[0]
      const left = until - performance.now()
      if (left <= 0 || this.ending !== 'open') return undefined
      await this.#changed(left)
    }
  }

  /** How the node's half ends: 'open' when it does not within `withinMs`. */
  async end(withinMs = ANSWER_MS): Promise<Ending> {
    const until = performance.now() + withinMs
    while (this.ending === 'open') {
      const left = until - performance.now()
      if (left <= 0) break
      await this.#changed(left)
    }
    return this.ending
  }

  onCredit(bytes: number): void {
    this.#window += bytes
    this.#told()
  }

  onData(bytes: Uint8Array): void {
    this.bytesSeen += bytes.length
    if (this.isGreedy) this.credit(bytes.length)
    if (this.reader !== undefined) {
      this.reader(bytes)
      this.#told()
      return
    }
    const skipped = Math.min(this.#negotiation, bytes.length)
    this.#negotiation -= skipped
    if (skipped < bytes.length) this.#decoder.push(bytes.subarray(skipped))
    this.#told()
  }

  onFin(): void {
    if (this.ending === 'open') this.ending = 'fin'
    this.#told()
  }

  onReset(): void {
    this.ending = 'reset'
    this.#told()
  }

  #frame(frame: Frame): boolean {
    this.framesSeen++
    if (this.keepsFrames) {
      const { flags, code, app, corrId } = frame
      this.frames.push({ flags, code, app, corr: corrId, payload: frame.payload.slice() })
    }
    return true
  }

  #told(): void {
    const waiting = this.#wake
    this.#wake = []
    for (const wake of waiting) wake()
  }

  /** True when nothing came for `ms`. */
  #changed(ms: number): Promise<boolean> {
    return new Promise(resolve => {
      const timer = setTimeout(() => resolve(true), ms)
      this.#wake.push(() => {
        clearTimeout(timer)
        resolve(false)
      })
    })
  }
}

const negotiated = Buffer.concat([protocolLine('/multistream/1.0.0'), protocolLine(OAP_PROTOCOL)])
