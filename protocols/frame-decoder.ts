import { FLAG, Frame, HEADER_BYTES, LENGTH_BYTES, MAX_FRAME_BYTES, MIN_LEN, OAP_VERSION } from './frame.ts'
import { readCorr, readU16, readU32 } from './frame.ts'
import type { CorrId } from './frame.ts'
import type { ErrorCode } from './errors.ts'

/** What is wrong with a frame. After a fatal fault the rest of the stream cannot be read. */
export interface FrameFault {
  readonly code: ErrorCode
  readonly message: string
  readonly app: number
  readonly corr: CorrId
  /** The 16 bytes of the frame's `tenant_id`; absent after a fatal fault. */
  readonly tenant?: Uint8Array
  /** Of the whole frame; 0 after a fatal fault, since none can be told. */
  readonly bytes: number
  readonly fatal: boolean
}

/** Where frames go. Both methods return false to stop the decoder after this one, until `resume()`. */
export interface FrameSink {
  frame(frame: Frame): boolean
  fault(fault: FrameFault): boolean
  /** Asked before a frame that arrives in pieces gets its buffer; false stops the decoder until `resume()`. */
  reserve?(bytes: number): boolean
}

const EMPTY = new Uint8Array(0)

/**
 * Cuts a byte sequence into frames: linear, a frame that arrived whole is a view, one in pieces is copied once.
 * `len`, `ver` and `cap_len` are judged before anything is allocated.
 */
export class FrameDecoder {
  readonly #sink: FrameSink
  readonly #maxFrameBytes: () => number
  readonly #head = new Uint8Array(HEADER_BYTES)
  #headFill = 0
  #body: Uint8Array = EMPTY
  #bodyFill = 0
  #skip = 0
  #held: Uint8Array[] = []
  #stopped = false
  #broken = false
  #waits = false
  #count = 0

  /** `maxFrameBytes` is asked for each frame: HELLO may lower it. */
  constructor(sink: FrameSink, maxFrameBytes: () => number = () => MAX_FRAME_BYTES) {
    this.#sink = sink
    this.#maxFrameBytes = maxFrameBytes
  }

  /** True while the first bytes of a frame are here and its last are not. */
  get isPartial(): boolean {
    return this.#headFill > 0 || this.#body !== EMPTY || this.#skip > 0
  }

  /** Frames that are over, valid or not; tells one partial frame from the next. */
  get frames(): number {
    return this.#count
  }

  /** Bytes that wait for `resume()`. */
  get heldBytes(): number {
    return this.#held.reduce((sum, piece) => sum + piece.length, 0)
  }

  /** Bytes reserved for the frame that is being put together. */
  get reservedBytes(): number {
    return this.#body.length
  }

  /** True when a frame waits for `reserve` to say yes. */
  get isWaiting(): boolean {
    return this.#waits
  }

  /** The corr_id of the frame that is not whole yet, 0 before its header is here. */
  get partialCorr(): CorrId {
    if (this.#body !== EMPTY) return readCorr(this.#body, 29)
    return this.#headFill === HEADER_BYTES ? readCorr(this.#head, 29) : 0
  }

  push(piece: Uint8Array): void {
    if (this.#broken) return
    if (this.#stopped) this.#held.push(piece)
    else this.#decode(piece)
  }

  resume(): void {
    this.#stopped = false
    // A header that was whole at the end of a piece holds no bytes that would ask again.
    if (this.#waits && this.#headFill === HEADER_BYTES) this.#beginBody(this.#head, 0)
    while (!this.#stopped && !this.#broken && this.#held.length > 0) this.#decode(this.#held.shift()!)
  }

  #decode(piece: Uint8Array): void {
    let at = 0
    while (at < piece.length && !this.#stopped && !this.#broken) at = this.#step(piece, at)
    if (at < piece.length && !this.#broken) this.#held.unshift(piece.subarray(at))
  }

  #step(piece: Uint8Array, at: number): number {
    if (this.#skip > 0) return this.#skipSome(piece, at)
    if (this.#body !== EMPTY) return this.#fillBody(piece, at)
    if (this.#headFill > 0) return this.#fillHead(piece, at)
    const left = piece.length - at
    if (left < LENGTH_BYTES) return this.#fillHead(piece, at)
    const len = readU32(piece, at)
    if (!this.#acceptLength(len)) return at
    if (left < HEADER_BYTES) return this.#fillHead(piece, at)
    if (!this.#acceptHeader(piece, at)) return this.#refused(at + HEADER_BYTES)
    const end = at + LENGTH_BYTES + len
    if (end > piece.length) return this.#beginBody(piece, at)
    this.#emit(piece, at, end)
    return end
  }

  #emit(bytes: Uint8Array, start: number, end: number): void {
    this.#count++
    if (!this.#sink.frame(new Frame(bytes, start, end))) this.#stopped = true
  }

  #acceptLength(len: number): boolean {
    if (len < MIN_LEN)
      return this.#break('bad_frame', `len is ${len}, shorter than the fixed header (${MIN_LEN})`)
    const most = this.#maxFrameBytes()
    if (len <= most) return true
    return this.#break('frame_oversize', `len is ${len}, max_frame is ${most}`)
  }

  #acceptHeader(b: Uint8Array, at: number): boolean {
    if (b[at + 4] !== OAP_VERSION) {
      const message = `ver is ${b[at + 4]}, this is OAP/${OAP_VERSION}`
      return this.#break('bad_version', message, readCorr(b, at + 29))
    }
    const capBytes = readU16(b, at + 27)
    if (capBytes === 0) return true
    const rest = readU32(b, at) - MIN_LEN
    if (capBytes > rest) {
      return this.#skipFrame(
        b,
        at,
        'bad_frame',
        `cap_len is ${capBytes}, ${rest} bytes are left in the frame`
      )
    }
    if ((b[at + 5]! & FLAG.START) !== 0) return true
    return this.#skipFrame(b, at, 'bad_sequence', 'a capability on a frame without START')
  }

  #skipFrame(b: Uint8Array, at: number, code: ErrorCode, message: string): false {
    this.#skip = readU32(b, at) - MIN_LEN
    if (this.#skip === 0) this.#count++
    const app = readU16(b, at + 9)
    const tenant = b.slice(at + 11, at + 27)
    const bytes = HEADER_BYTES + this.#skip
    if (!this.#sink.fault({ code, message, app, tenant, corr: readCorr(b, at + 29), bytes, fatal: false }))
      this.#stopped = true
    return false
  }

  #break(code: ErrorCode, message: string, corr: CorrId = 0): false {
    this.#count++
    this.#skip = 0
    this.#broken = true
    this.#held = []
    this.#headFill = 0
    if (!this.#sink.fault({ code, message, app: 0, corr, bytes: 0, fatal: true })) this.#stopped = true
    return false
  }

  #refused(next: number): number {
    this.#headFill = 0
    return next
  }

  #skipSome(piece: Uint8Array, at: number): number {
    const n = Math.min(this.#skip, piece.length - at)
    this.#skip -= n
    if (this.#skip === 0) this.#count++
    return at + n
  }

  #fillHead(piece: Uint8Array, at: number): number {
    const goal = this.#headFill < LENGTH_BYTES ? LENGTH_BYTES : HEADER_BYTES
    const n = Math.min(goal - this.#headFill, piece.length - at)
    for (let i = 0; i < n; i++) this.#head[this.#headFill + i] = piece[at + i]!
    this.#headFill += n
    if (this.#headFill === LENGTH_BYTES && !this.#acceptLength(readU32(this.#head, 0))) return at + n
    if (this.#headFill < HEADER_BYTES) return at + n
    if (!this.#acceptHeader(this.#head, 0)) return this.#refused(at + n)
    return this.#beginBody(this.#head, 0, at + n)
  }

  /** Takes a judged header out of `source` and makes room for the whole frame. */
  #beginBody(source: Uint8Array, from: number, next = from + HEADER_BYTES): number {
    const size = LENGTH_BYTES + readU32(source, from)
    this.#waits = size > HEADER_BYTES && this.#sink.reserve?.(size) === false
    if (this.#waits) {
      this.#stopped = true
      return source === this.#head ? next : from
    }
    return this.#openBody(source, from, size, next)
  }

  #openBody(source: Uint8Array, from: number, size: number, next: number): number {
    this.#headFill = 0
    const body = new Uint8Array(size)
    for (let i = 0; i < HEADER_BYTES; i++) body[i] = source[from + i]!
    if (size === HEADER_BYTES) {
      this.#emit(body, 0, size)
      return next
    }
    this.#body = body
    this.#bodyFill = HEADER_BYTES
    return next
  }

  #fillBody(piece: Uint8Array, at: number): number {
    const n = Math.min(this.#body.length - this.#bodyFill, piece.length - at)
    this.#body.set(at === 0 && n === piece.length ? piece : piece.subarray(at, at + n), this.#bodyFill)
    this.#bodyFill += n
    if (this.#bodyFill === this.#body.length) {
      const body = this.#body
      this.#body = EMPTY
      this.#emit(body, 0, body.length)
    }
    return at + n
  }
}
