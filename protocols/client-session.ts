import type { ByteStream } from './byte-stream.ts'
import type { ClientCall } from './client-call.ts'
import { CallTable } from './call-table.ts'
import { Inflater } from './compression.ts'
import { cancelPayload, creditPayload } from './control.ts'
import { OapError } from './errors.ts'
import type { FrameFault } from './frame-decoder.ts'
import { FLAG, KIND_MASK, MAX_FRAME_BYTES, MIN_LEN } from './frame.ts'
import type { CorrId, Frame } from './frame.ts'
import { FrameStream } from './frame-stream.ts'
import type { FrameStreamOwner, InboundBudget } from './frame-stream.ts'
import { parseHelloAnswer } from './hello.ts'
import type { Hello, HelloRequest, Limits } from './hello.ts'
import { UnaryCall } from './client-call.ts'
import { encodeJson } from './json.ts'
import type { Platform } from './platform.ts'
import { isSuccess, remoteError, sessionLost } from './error-payload.ts'

/** How long frames of a cancelled call may still be under way. */
const CANCELLED_MS = 15_000
/** Body bytes that wait for the application; above it the session stops reading. */
const BODY_HIGH_WATER_BYTES = 262_144
/** Pieces of an upload; two of them make a full write. */
const UPLOAD_FRAME_BYTES = 65_536

const EMPTY = new Uint8Array(0)

/** What START says besides the payload. */
export interface Start {
  readonly flags: number
  readonly tenant: Uint8Array | undefined
  readonly cap: Uint8Array | undefined
  readonly head: Uint8Array
  readonly body: Uint8Array
  /** Raw frames that follow START; without it START carries END. */
  readonly upload?: AsyncIterable<Uint8Array> | Iterable<Uint8Array> | undefined
}

export interface ClientSessionOptions {
  readonly platform: Platform
  readonly budget: InboundBudget
  readonly limits: () => Limits
  /** The capability of calls that bring none of their own. */
  readonly cap?: (() => Uint8Array | undefined) | undefined
  /** False when the other side's HELLO did not list COMP. Default true. */
  readonly mayCompress?: () => boolean
  /** True for a stream that serves one call: cancelling resets it, and it ends with the call. */
  readonly isOwn: boolean
  readonly onGone?: () => void
}

/**
 * The opener's half of one stream: sends REQ frames, matches RESP and EVENT frames to their calls.
 * @see specs/oap-1.md, section 5.4
 */
export class ClientSession implements FrameStreamOwner {
  readonly platform: Platform
  readonly budget: InboundBudget
  readonly #o: ClientSessionOptions
  readonly readsWhileFull = true
  readonly #frames: FrameStream
  readonly #calls = new CallTable<ClientCall>()
  readonly #cancelled = new Map<CorrId, number>()
  #waiting: (() => void)[] = []
  #nextCorr = 1
  #bodyBytes = 0
  #isEnded = false
  usedAt: number

  constructor(stream: ByteStream, options: ClientSessionOptions) {
    this.#o = options
    this.platform = options.platform
    this.budget = options.budget
    this.usedAt = options.platform.now()
    this.#frames = new FrameStream(stream, this)
  }

  /** False once either side has ended its half: further calls need another stream. */
  get isUsable(): boolean {
    return !this.#isEnded && !this.#frames.isGone
  }

  /** True while nothing has been sent on it. */
  get isUnused(): boolean {
    return this.#nextCorr === 1
  }

  /** What it takes: frames that were under way when HELLO lowered the limits may still be longer. */
  maxFrameBytes(): number {
    return MAX_FRAME_BYTES
  }

  get mayCompress(): boolean {
    return this.#o.mayCompress?.() ?? true
  }

  callsOpen(): number {
    return this.#calls.size
  }

  isFull(): boolean {
    return this.#bodyBytes > BODY_HIGH_WATER_BYTES
  }

  // Opening

  /** Sends a HELLO and resolves with the answer. */
  hello(asked: HelloRequest): Promise<Hello> {
    return new Promise((resolve, reject) => {
      const call = new UnaryCall(0, { decode: parseHelloAnswer }, resolve, reject)
      const members = Object.fromEntries(Object.entries(asked).filter(([, value]) => value !== undefined))
      const head = encodeJson(members as Record<string, string | number>)
      this.open(call, { flags: 0, tenant: undefined, cap: undefined, head, body: EMPTY })
    })
  }

  get cap(): Uint8Array | undefined {
    return this.#o.cap?.()
  }

  /** True when one more call would be over max_inflight. */
  get isAtLimit(): boolean {
    return this.#calls.size >= this.#o.limits().maxInflight
  }

  /** Resolves when a call may be opened, in the order of asking; whoever does not open one passes it on by `offerRoom`. */
  async room(signal?: AbortSignal): Promise<void> {
    while (this.isAtLimit && this.isUsable && signal?.aborted !== true) await this.#turn(signal)
  }

  #turn(signal: AbortSignal | undefined): Promise<void> {
    return new Promise<void>(resolve => {
      this.#waiting.push(resolve)
      const leave = (): void => {
        this.#waiting = this.#waiting.filter(waiting => waiting !== resolve)
        resolve()
      }
      signal?.addEventListener('abort', leave, { once: true })
    })
  }

  /** Lets the next one who waits for room go on, if there is room. */
  offerRoom(): void {
    if (!this.isAtLimit) this.#waiting.shift()?.()
  }

  /** Opens a call. Throws `frame_oversize` for a START that the other side would refuse. */
  open(call: ClientCall, start: Start): void {
    if (!this.isUsable) throw sessionLost('it has ended already')
    this.#checkSize(start)
    call.corr = this.#nextCorr++
    this.#calls.add(call)
    const flags = FLAG.REQ | FLAG.START | start.flags | (start.upload === undefined ? FLAG.END : 0)
    const { tenant, cap = EMPTY, head, body } = start
    this.#frames.writer.writeParts(flags, 0, call.app, tenant, call.corr, cap, head, body)
    this.#frames.flushSoon()
    if (start.upload !== undefined)
      this.#upload(call, start).catch((error: unknown) => this.#uploadFailed(call, error))
  }

  #checkSize({ cap = EMPTY, head, body }: Start): void {
    const len = MIN_LEN + cap.length + head.length + body.length
    const most = this.#o.limits().maxFrameBytes
    if (len <= most) return
    throw new OapError(
      'frame_oversize',
      `the request makes a frame of ${len} bytes, at most ${most}: stream the body, or store it and send its content id`
    )
  }

  async #upload(call: ClientCall, { upload, flags, tenant }: Start): Promise<void> {
    const step = Math.min(UPLOAD_FRAME_BYTES, this.#o.limits().maxFrameBytes - MIN_LEN)
    const repeated = FLAG.REQ | (flags & FLAG.APP_E2E)
    for await (const piece of upload!) {
      for (let at = 0; at < piece.length && this.#isOpen(call); at += step) {
        this.#frames.writer.write(repeated, 0, call.app, tenant, call.corr, piece.subarray(at, at + step))
        this.#frames.flushSoon()
        await this.#frames.writer.pressure()
      }
      if (!this.#isOpen(call)) break
    }
    if (this.#frames.isGone) return
    this.#frames.writer.write(FLAG.REQ | FLAG.END, 0, call.app, tenant, call.corr, EMPTY)
    this.#frames.flushSoon()
    if (!this.#isOpen(call)) this.#callEnded()
  }

  #uploadFailed(call: ClientCall, error: unknown): void {
    if (this.#isOpen(call)) this.cancel(call, error)
  }

  #close(call: ClientCall): void {
    this.#calls.delete(call.corr)
    call.onOver?.()
  }

  #isOpen(call: ClientCall): boolean {
    return this.#calls.get(call.corr) === call
  }

  /** Ends a call for its caller with `error`, and tells the other side. */
  cancel(call: ClientCall, error: unknown): void {
    if (!this.#isOpen(call)) return
    this.#close(call)
    if (this.#o.isOwn) this.#frames.reset(error instanceof Error ? error : new Error('cancelled'))
    else this.#sendCancel(call.corr)
    call.fail(error)
    this.#callEnded()
  }

  #sendCancel(corr: CorrId): void {
    const now = this.platform.now()
    for (const [old, until] of this.#cancelled) if (until <= now) this.#cancelled.delete(old)
    this.#cancelled.set(corr, now + CANCELLED_MS)
    if (!this.isUsable) return
    this.#control(cancelPayload(corr))
  }

  /** Grants a subscription `bytes` of events beyond the `upTo`-th. */
  grant(call: ClientCall, upTo: number, bytes: number): void {
    if (this.#isOpen(call) && this.isUsable) this.#control(creditPayload(call.corr, upTo, bytes))
  }

  #control(payload: Uint8Array): void {
    const flags = FLAG.REQ | FLAG.START | FLAG.END
    this.#frames.writer.write(flags, 0, 0, undefined, this.#nextCorr++, payload)
    this.#frames.flushSoon()
  }

  // What comes back

  frame(frame: Frame): void {
    const kind = frame.flags & KIND_MASK
    const call = this.#calls.get(frame.corr)
    if (call === undefined) return this.#unknown(frame, kind)
    try {
      if (kind === FLAG.RESP) this.#response(call, frame)
      else if (kind === FLAG.EVENT && call.isSubscription && call.isAnswered) call.event(this.#plain(frame))
      else this.#frames.drop()
    } catch (error) {
      this.cancel(call, error)
    }
  }

  #response(call: ClientCall, frame: Frame): void {
    call.isAnswered = true
    const isEnd = (frame.flags & FLAG.END) !== 0
    const failed = !isSuccess(frame.code)
    if (!failed) call.data(this.#plain(frame))
    if (!isEnd && !failed) return
    this.#close(call)
    if (failed) call.fail(remoteError(frame.code, frame.payload, frame.corr))
    else call.end()
    this.#callEnded()
  }

  #plain(frame: Frame): Uint8Array {
    const { flags, payload } = frame
    if ((flags & FLAG.COMP) === 0 || (flags & FLAG.APP_E2E) !== 0) return payload
    return new Inflater(this.platform).inflate(payload)
  }

  #unknown(frame: Frame, kind: number): void {
    const isKnownKind = kind === FLAG.RESP || kind === FLAG.EVENT
    if (isKnownKind && this.#cancelled.has(frame.corr)) {
      if ((frame.flags & FLAG.END) !== 0) this.#cancelled.delete(frame.corr)
      return
    }
    if (kind === FLAG.RESP && frame.corr === 0 && frame.app === 0 && !isSuccess(frame.code)) {
      return this.#failAll(remoteError(frame.code, frame.payload, 0))
    }
    this.#frames.drop()
  }

  fault(fault: FrameFault): void {
    if (!fault.fatal) return void this.#frames.drop()
    const error = new OapError('upstream', `the peer sent what is not OAP/1: ${fault.message}`, {
      reason: fault.code
    })
    this.#failAll(error)
    this.#frames.reset(error)
  }

  finished(): void {
    this.#isEnded = true
    this.#failAll(sessionLost('the peer ended the stream'))
    void this.#frames.finish()
  }

  broke(error: unknown): void {
    this.#failAll(error instanceof Error ? error : new OapError('internal', undefined, { cause: error }))
  }

  gone(error: Error | undefined): void {
    if (this.#calls.size > 0) this.#failAll(sessionLost(error?.message ?? 'the stream is closed'))
    else this.#wakeAll()
    this.#o.onGone?.()
  }

  #failAll(error: Error): void {
    for (const call of this.#calls) {
      this.#close(call)
      call.fail(error)
    }
    this.#wakeAll()
  }

  // Flow

  held(bytes: number): void {
    this.#bodyBytes += bytes
    this.budget.hold(bytes)
  }

  taken(bytes: number): void {
    this.#bodyBytes -= bytes
    this.budget.release(bytes)
    if (!this.isFull()) queueMicrotask(() => this.#frames.readOn())
  }

  #callEnded(): void {
    this.usedAt = this.platform.now()
    if (this.#o.isOwn && this.#calls.size === 0) return void this.end()
    this.offerRoom()
  }

  #wakeAll(): void {
    const waiting = this.#waiting
    this.#waiting = []
    for (const wake of waiting) wake()
  }

  /** Ends this half: calls that are open still get their answers. */
  async end(): Promise<void> {
    this.#isEnded = true
    this.#wakeAll()
    await this.#frames.finish()
  }

  reset(error: Error): void {
    this.#frames.reset(error)
  }
}
