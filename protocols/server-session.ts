import type { ByteStream } from './byte-stream.ts'
import { CallRunner } from './call-runner.ts'
import { CallTable } from './call-table.ts'
import { control } from './control.ts'
import type { ControlTarget } from './control.ts'
import { Draining } from './draining.ts'
import { errorPayload } from './error-payload.ts'
import { OapError } from './errors.ts'
import type { ErrorCode } from './errors.ts'
import { findOperation } from './find-operation.ts'
import type { FrameFault } from './frame-decoder.ts'
import { FLAG, KIND_MASK, HEADER_BYTES, MAX_CHUNK_BYTES, MIN_LEN } from './frame.ts'
import type { CorrId, Frame } from './frame.ts'
import { FrameStream } from './frame-stream.ts'
import type { FrameStreamOwner, InboundBudget } from './frame-stream.ts'
import type { FrameWriter } from './frame-writer.ts'
import { helloAnswer } from './hello.ts'
import type { HelloRequest } from './hello.ts'
import { encodeJson } from './json.ts'
import type { Platform } from './platform.ts'
import { HeaderCache } from './record.ts'
import { ServerCall } from './server-call.ts'
import type { AnswerPort } from './server-answer.ts'
import { DEFAULT_TIMEOUTS } from './server-options.ts'
import type { ServerSessionOptions } from './server-options.ts'
import { SessionRates } from './session-rates.ts'
import { Uploads } from './uploads.ts'

/** The status of a call that ended without an answer, in metrics. */
export const CANCELLED = 499
/** The status of a call that came before its caller's quota allows it. */
const QUOTA = 429

const EMPTY = new Uint8Array(0)

/**
 * The responder's half of one stream: takes REQ frames, runs handlers, sends RESP and EVENT frames.
 * @see specs/oap-1.md, section 5.3
 */
export class ServerSession implements FrameStreamOwner, ControlTarget, AnswerPort {
  readonly platform: Platform
  readonly budget: InboundBudget
  readonly #o: ServerSessionOptions
  readonly #frames: FrameStream
  readonly #calls = new CallTable<ServerCall>()
  readonly #draining = new Draining()
  readonly #headers = new HeaderCache()
  readonly #uploads: Uploads
  readonly #runner: CallRunner
  readonly #rates: SessionRates
  #isEnding = false
  #busyAt: number

  constructor(stream: ByteStream, options: ServerSessionOptions) {
    this.#o = options
    this.platform = options.platform
    this.budget = options.connection.budget
    this.#rates = new SessionRates(options.connection, options.platform, {
      callsOpen: () => this.#calls.size,
      readOn: () => this.#frames.readOn()
    })
    this.#busyAt = options.platform.now()
    this.#uploads = new Uploads({
      platform: options.platform,
      inflateLimits: options.inflateLimits,
      held: bytes => this.budget.hold(bytes),
      taken: bytes => this.#bodyTaken(bytes),
      inflated: (bytesIn, bytesOut) => options.observer.inflated(bytesIn, bytesOut),
      failed: (call, error) => this.#failed(call, error)
    })
    this.#runner = new CallRunner(options, this.#uploads, {
      port: this,
      refuse: (call, error) => this.refuse(call, error),
      failed: (call, error) => this.#failed(call, error),
      keep: (call, bytes) => this.#keep(call, bytes),
      flushSoon: () => this.#frames.flushSoon()
    })
    this.#frames = new FrameStream(stream, this)
  }

  get writer(): FrameWriter {
    return this.#frames.writer
  }

  /** The largest payload of one frame. */
  get maxPayloadBytes(): number {
    return this.#o.connection.limits.maxFrameBytes - MIN_LEN
  }

  /** The largest payload of one RESP frame. */
  get maxChunkBytes(): number {
    return Math.min(MAX_CHUNK_BYTES, this.#o.connection.limits.maxFrameBytes - MIN_LEN)
  }

  // What the frame stream asks and tells

  maxFrameBytes(): number {
    return this.#o.connection.limits.maxFrameBytes
  }

  callsOpen(): number {
    return this.#calls.size
  }

  isFull(): boolean {
    return this.#uploads.isFull || this.#rates.holdsReading
  }

  frame(frame: Frame): void {
    // Nothing could answer it.
    if (this.writer.isFinished) return this.#apart(frame.app, sizeOf(frame), 0)
    const kind = frame.flags & KIND_MASK
    if (frame.app === 0) {
      this.#apart(frame.app, sizeOf(frame), 0)
      if (!control(frame, this)) this.#drop()
    } else if (kind !== FLAG.REQ) {
      this.#apart(frame.app, sizeOf(frame), 0)
      this.#drop()
    } else if ((frame.flags & FLAG.START) !== 0) this.#start(frame)
    else this.#continue(frame)
  }

  fault(fault: FrameFault): void {
    const error = new OapError(fault.code, fault.message)
    if (fault.fatal) return this.#closeForCause(error, fault.corr)
    const open = this.#calls.get(fault.corr)
    if (open === undefined) {
      const sent = this.#sendError(fault.app, fault.tenant, fault.corr, error)
      return this.#apart(fault.app, fault.bytes, sent)
    }
    open.bytesIn += fault.bytes
    this.#o.connection.received(fault.bytes)
    this.refuse(open, error)
  }

  finished(): void {
    this.#isEnding = true
    for (const call of this.#calls) {
      if (!call.isReceiving) continue
      call.isReceiving = false
      this.refuse(call, new OapError('bad_sequence', 'the stream ended before the request did'))
    }
    if (this.#calls.size === 0) void this.#frames.finish()
  }

  broke(error: unknown): void {
    this.#o.observer.broke(error)
  }

  gone(error: Error | undefined): void {
    // Only a reset of our own carries an error of ours.
    const cause = error instanceof OapError ? error : undefined
    if (cause !== undefined && !this.#frames.isClosing) this.#o.observer.rejected(cause.counted)
    if (this.#calls.size > 0) this.#abandonCalls(error ?? new OapError('deadline', 'the stream ended'), cause)
    this.#draining.clear()
    this.#rates.gone()
    this.#o.onClose?.()
  }

  // Control: what app 0 asks for

  hello(frame: Frame, asked: HelloRequest): void {
    const limits = this.#o.connection.settle(asked)
    const answer = encodeJson(helloAnswer(this.#o.facts(), limits))
    this.#write(FLAG.RESP | FLAG.END, 0, 0, frame.tenant, frame.corr, answer)
    this.#o.observer.apart(0, 0, HEADER_BYTES + answer.length)
  }

  takeHello(): boolean {
    if (this.#o.connection.takeHello()) return true
    this.#frames.reset(new OapError('quota_peer', 'HELLO: too many'))
    return false
  }

  cancel(corr: CorrId): void {
    this.#draining.delete(corr)
    const call = this.#calls.get(corr)
    if (call === undefined) return
    call.isReceiving = false
    call.stop(new OapError('deadline', 'the caller cancelled'))
    this.#forget(call, CANCELLED)
  }

  credit(corr: CorrId, upTo: number, bytes: number): void {
    const call = this.#calls.get(corr)
    if (call?.credit === undefined) return
    if (!call.credit.grant(upTo, bytes)) this.refuse(call, new OapError('credit_violation'))
  }

  refuseControl(frame: Frame, error: OapError): void {
    this.#o.observer.apart(0, 0, this.#sendError(0, frame.tenant, frame.corr, error))
  }

  // Calls

  #start(frame: Frame): void {
    const { corr } = frame
    const isWhole = (frame.flags & FLAG.END) !== 0
    const open = this.#calls.get(corr)
    if (open !== undefined) {
      open.bytesIn += sizeOf(frame)
      this.#o.connection.received(sizeOf(frame))
      open.isReceiving = !isWhole
      return this.refuse(open, new OapError('bad_sequence', 'START for a call that is open'))
    }
    if (corr === 0)
      return this.#refuseFrame(frame, new OapError('bad_sequence', 'corr_id 0 belongs to HELLO'))
    if (this.#draining.has(corr)) {
      if (isWhole) this.#draining.delete(corr)
      return this.#refuseFrame(
        frame,
        new OapError('bad_sequence', 'START before the END of the call before it')
      )
    }
    this.#judge(new ServerCall(frame, this.#o.connection.peer, this.#o.platform.now()), frame)
  }

  #judge(call: ServerCall, frame: Frame): void {
    const full =
      this.#calls.size >= this.#o.connection.limits.maxInflight
        ? new OapError('saturated', `${this.#calls.size} calls are in flight on this session`)
        : this.#o.connection.openCall(call.bytesIn)
    if (full !== undefined) return this.#refuseStart(call, full)
    this.#calls.add(call)
    try {
      const payload = findOperation(this.#o.services, this.#headers, call, frame)
      this.#runner.run(call, payload, frame)
    } catch (error) {
      this.#failed(call, error)
    }
  }

  #refuseStart(call: ServerCall, error: OapError): void {
    if (call.isReceiving) this.#drain(call.corr)
    this.#answerError(call, error)
    this.#o.observer.answered(call, error.status, 0, error.counted)
  }

  #continue(frame: Frame): void {
    const isEnd = (frame.flags & FLAG.END) !== 0
    const isEmptyEnd = isEnd && frame.payloadBytes === 0
    const call = this.#calls.get(frame.corr)
    if (call === undefined) return this.#continueNone(frame, isEnd, isEmptyEnd)
    const bytes = sizeOf(frame)
    call.bytesIn += bytes
    if (!call.isReceiving) {
      this.#o.connection.received(bytes)
      if (isEmptyEnd) return
      call.isReceiving = !isEnd
      return this.refuse(call, new OapError('bad_sequence', 'data after the END of the request'))
    }
    if (isEnd) call.isReceiving = false
    this.#rates.uploaded(call, bytes)
    if (call.spending?.spend(frame.payloadBytes) === false) return this.refuse(call, overspent())
    try {
      this.#uploads.push(call, frame.flags, frame.payload)
      if (isEnd) call.queue?.end()
    } catch (error) {
      this.#failed(call, error)
    }
  }

  #continueNone(frame: Frame, isEnd: boolean, isEmptyEnd: boolean): void {
    if (this.#draining.has(frame.corr)) {
      if (isEnd) this.#draining.delete(frame.corr)
      return this.#apart(frame.app, sizeOf(frame), 0)
    }
    if (frame.corr === 0)
      return this.#refuseFrame(frame, new OapError('bad_sequence', 'corr_id 0 belongs to HELLO'))
    if (isEmptyEnd) return this.#apart(frame.app, sizeOf(frame), 0)
    if (!isEnd) this.#drain(frame.corr)
    this.#refuseFrame(frame, new OapError('bad_sequence', 'data for a call that is not open'))
  }

  // Answers

  /** Queues one frame of a call's answer. */
  send(call: ServerCall, flags: number, head: Uint8Array, body: Uint8Array, status = 0): void {
    if (call.isOver) return
    const bytes = head.length + body.length
    const { spending } = call
    if (spending?.spend(bytes) === false) return this.refuse(call, overspent())
    call.bytesOut += HEADER_BYTES + bytes
    if (call.served!.row.kind !== 'unary') this.#rates.sent(call, HEADER_BYTES + bytes)
    else if (spending !== undefined) spending.answered(HEADER_BYTES + bytes)
    this.writer.writeParts(flags, status, call.app, call.tenantWire, call.corr, EMPTY, head, body)
    this.#frames.flushSoon()
  }

  release(call: ServerCall, bytes: number): Promise<void> | undefined {
    return this.#rates.released(call, HEADER_BYTES + bytes)
  }

  /** The answer's END has been queued: the call is over. */
  end(call: ServerCall): void {
    call.isOver = true
    call.queue?.fail(new OapError('bad_sequence', 'the call was answered before its body was read'))
    this.#forget(call, 0)
  }

  /** Ends a call with an error answer; nothing follows it. */
  refuse(call: ServerCall, error: OapError): void {
    if (call.isOver) return
    call.stop(error)
    this.#answerError(call, error)
    this.#forget(call, error.status, error.counted)
  }

  #failed(call: ServerCall, error: unknown): void {
    if (call.isOver) return
    if (!(error instanceof OapError)) this.#o.observer.failed(call, error)
    this.refuse(call, asOapError(error))
    this.#frames.flushSoon()
  }

  #forget(call: ServerCall, status: number, reason?: ErrorCode): void {
    if (this.#calls.get(call.corr) !== call) return
    this.#calls.delete(call.corr)
    if (call.timer !== undefined) this.#o.platform.clearTimer(call.timer)
    call.credit?.wake()
    this.#rates.over(call)
    if (call.heldBytes > 0) this.budget.release(call.heldBytes)
    call.heldBytes = 0
    call.onOver?.()
    this.#o.connection.endCall()
    this.#o.observer.answered(call, status, this.#o.platform.now() - call.startedAt, reason)
    if (call.isReceiving) this.#drain(call.corr)
    if (this.#calls.size === 0) this.#lastCallEnded()
  }

  #lastCallEnded(): void {
    this.#busyAt = this.#frames.lastTick
    if (this.#isEnding) void this.#frames.finish()
  }

  #drain(corr: CorrId): void {
    this.#draining.add(corr, this.#o.connection.limits.maxInflight, this.#frames.lastTick)
  }

  /** Refuses a frame that belongs to no call. */
  #refuseFrame(frame: Frame, error: OapError): void {
    this.#apart(frame.app, sizeOf(frame), this.#sendError(frame.app, frame.tenant, frame.corr, error))
  }

  /** Counts a frame that belongs to no call, and the bytes that answered it. */
  #apart(app: number, bytesIn: number, bytesOut: number): void {
    this.#o.observer.apart(app, bytesIn, bytesOut)
    this.#o.connection.received(bytesIn)
  }

  #answerError(call: ServerCall, error: OapError): void {
    if (error.status === QUOTA) this.#rates.refused()
    call.bytesOut += this.#sendError(call.app, call.tenantWire, call.corr, error)
  }

  /** Queues an error answer; yields the bytes of its frame. */
  #sendError(app: number, tenant: Uint8Array | undefined, corr: CorrId, error: OapError): number {
    this.#o.observer.rejected(error.counted)
    const payload = errorPayload(error, corr)
    this.#write(FLAG.RESP | FLAG.END, error.status, app, tenant, corr, payload)
    return HEADER_BYTES + payload.length
  }

  #write(
    flags: number,
    code: number,
    app: number,
    tenant: Uint8Array | undefined,
    corr: CorrId,
    payload: Uint8Array
  ): void {
    this.writer.write(flags, code, app, tenant, corr, payload)
    this.#frames.flushSoon()
  }

  // Flow and time

  #keep(call: ServerCall, bytes: number): void {
    if (call.heldBytes > 0 || call.isOver) return
    call.heldBytes = bytes
    this.budget.hold(bytes)
  }

  #bodyTaken(bytes: number): void {
    this.budget.release(bytes)
    if (!this.isFull()) queueMicrotask(() => this.#frames.readOn())
  }

  #drop(): void {
    if (!this.#frames.drop()) this.#o.observer.rejected('bad_sequence')
  }

  /** Ends all calls unanswered: for a `cause` of this side's, which is counted once for all of them, else as left by their caller. */
  #abandonCalls(error: Error, cause?: OapError): void {
    for (const call of this.#calls) {
      call.stop(error)
      call.isReceiving = false
      this.#forget(call, cause?.status ?? CANCELLED, cause?.counted)
    }
  }

  /** Answers a fault that makes the rest of the stream unreadable, then ends this half. */
  #closeForCause(error: OapError, corr: CorrId): void {
    if (this.#frames.isClosing) return
    this.#o.observer.apart(0, 0, this.#sendError(0, undefined, corr, error))
    this.#abandonCalls(error, error)
    this.#frames.closeForCause(error)
  }

  /** Ends this half once the calls that are open have been answered. */
  drain(): void {
    this.#isEnding = true
    if (this.#calls.size === 0) void this.#frames.finish()
  }

  reset(error: Error): void {
    this.#frames.reset(error)
  }

  /** Ends those open calls of which `judge` says why they may not go on. */
  review(judge: (call: ServerCall) => OapError | undefined): void {
    for (const call of this.#calls) {
      const error = judge(call)
      if (error !== undefined) this.refuse(call, error)
    }
    this.#frames.flushSoon()
  }

  /** Judges what time has done. Called about four times a second with a time that never goes back. */
  tick(now: number): void {
    if (this.#frames.isGone || this.#frames.isClosing) return
    const timeouts = this.#o.timeouts ?? DEFAULT_TIMEOUTS
    const late = this.#frames.tick(now, timeouts)
    if (late !== undefined)
      return this.#late(late === 'write', late === 'first' ? timeouts.firstFrameMs : timeouts.frameMs)
    this.#draining.expire(now)
    if (this.#calls.size > 0) this.#busyAt = now
    else if (now - this.#busyAt > timeouts.idleMs && !this.#frames.isMidFrame) this.drain()
  }

  #late(isWrite: boolean, ms: number): void {
    const error = new OapError(
      'slow_peer',
      isWrite ? 'the peer took no byte in time' : `a frame was not whole within ${ms} ms`
    )
    if (!isWrite) return this.#closeForCause(error, this.#frames.partialCorr)
    this.#frames.reset(error)
  }
}

const sizeOf = ({ start, end }: Frame): number => end - start

const overspent = (): OapError =>
  new OapError('cap_denied', 'the capability does not allow so many bytes', { reason: 'max-bytes' })

function asOapError(error: unknown): OapError {
  return error instanceof OapError ? error : new OapError('internal', undefined, { cause: error })
}
