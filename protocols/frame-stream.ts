import type { ByteStream } from './byte-stream.ts'
import { OapError } from './errors.ts'
import { FrameDecoder } from './frame-decoder.ts'
import type { FrameFault } from './frame-decoder.ts'
import type { CorrId, Frame } from './frame.ts'
import { FrameWriter } from './frame-writer.ts'
import type { Platform } from './platform.ts'
import { StreamReader } from './stream-reader.ts'

/** Frames of the wrong kind that a side drops before it resets the stream. */
export const MAX_DROPPED_FRAMES = 16
const STALLED_WRITE_MS = 60_000
/** How long a stream that was closed for cause may take to go, before it is reset. */
const LINGER_MS = 2000

/** Inbound bytes that wait to be understood or handled, counted for a connection and the whole node. */
export interface InboundBudget {
  /** Takes `bytes` for a frame in pieces; false when they are not there. */
  reserve(bytes: number): boolean
  /** Counts bytes that are here already. */
  hold(bytes: number): void
  release(bytes: number): void
  /** True when nothing further should be read. */
  readonly isSpent: boolean
  /** Calls once when the budget has room for so many bytes, one if not given. */
  onRoom(listener: () => void, bytes?: number): void
  /** Takes that wish back; a budget that never calls needs none. */
  forget?(listener: () => void): void
}

export interface FrameStreamOwner {
  readonly platform: Platform
  readonly budget: InboundBudget
  maxFrameBytes(): number
  /** Calls open: with at most one, an answer leaves in a microtask, else when the turn is over. */
  callsOpen(): number
  /** True while the owner can take no further frame. */
  isFull(): boolean
  /** True for one that reads on while what it wrote cannot leave: the other side may wait until its answers are read. */
  readonly readsWhileFull?: boolean
  frame(frame: Frame): void
  fault(fault: FrameFault): void
  /** The other side ended its half at a frame boundary. */
  finished(): void
  /** Taking a frame threw something that is a fault of this software; the stream is reset. */
  broke(error: unknown): void
  /** The stream is gone; told once. */
  gone(error: Error | undefined): void
}

/**
 * A stream of frames with back pressure both ways: it stops reading while its owner, its writer or the
 * budget is full, and sends all frames of one turn in one write.
 */
export class FrameStream {
  readonly writer: FrameWriter
  readonly #stream: ByteStream
  readonly #owner: FrameStreamOwner
  readonly #reader: StreamReader
  readonly #decoder: FrameDecoder
  #reserved = 0
  /** What the frame under way needs, whether it has it or not. */
  #wanted = 1
  #dropped = 0
  #inTurn = false
  #flushPlanned = false
  #stopped = false
  #awaitsRoom = false
  #awaitsWriter = false
  #isClosing = false
  #isGone = false
  #sawFrame = false
  #partialFrame = -1
  #partialSince = 0
  #openedAt: number
  #stalledSince: number
  #sentAtStall = 0
  #lastTick: number

  constructor(stream: ByteStream, owner: FrameStreamOwner) {
    this.#stream = stream
    this.#owner = owner
    this.writer = new FrameWriter(stream)
    this.#decoder = new FrameDecoder(this, () => owner.maxFrameBytes())
    this.#openedAt = this.#stalledSince = this.#lastTick = owner.platform.now()
    this.#reader = new StreamReader(stream, {
      bytes: piece => {
        this.#inTurn = true
        this.#decoder.push(piece)
      },
      turn: () => this.#endTurn(),
      finished: () => this.#finished(),
      closed: error => this.#gone(error)
    })
    if (stream.status !== 'open') queueMicrotask(() => this.#gone(undefined))
    else if (owner.isFull()) this.#stop()
  }

  get isGone(): boolean {
    return this.#isGone
  }

  get isClosing(): boolean {
    return this.#isClosing
  }

  get isMidFrame(): boolean {
    return this.#decoder.isPartial
  }

  /** The corr_id of the frame that is not whole yet, 0 while it is not known. */
  get partialCorr(): CorrId {
    return this.#decoder.partialCorr
  }

  get lastTick(): number {
    return this.#lastTick
  }

  // The decoder's sink

  reserve(bytes: number): boolean {
    this.#wanted = bytes
    if (!this.#owner.budget.reserve(bytes)) return false
    this.#reserved = bytes
    return true
  }

  frame(frame: Frame): boolean {
    this.#sawFrame = true
    try {
      this.#owner.frame(frame)
    } catch (error) {
      this.#broke(error)
    }
    if (this.#reserved > 0) this.#unreserve()
    return !this.#mustStop()
  }

  fault(fault: FrameFault): boolean {
    this.#sawFrame = true
    try {
      this.#owner.fault(fault)
    } catch (error) {
      this.#broke(error)
    }
    return !this.#mustStop()
  }

  /** A fault of ours costs this stream, never the process. */
  #broke(error: unknown): void {
    this.#owner.broke(error)
    this.reset(new OapError('internal'))
  }

  /** Counts a frame that was dropped unanswered; true when it was the sixteenth, which resets the stream. */
  drop(): boolean {
    if (++this.#dropped < MAX_DROPPED_FRAMES) return false
    this.reset(new OapError('bad_sequence', 'too many frames of the wrong kind'))
    return true
  }

  readonly #flush = (): void => {
    this.#flushPlanned = false
    this.writer.flush()
    this.readOn()
  }

  /** Sends what is queued: at the end of the running turn, or soon. */
  flushSoon(): void {
    if (this.#inTurn || this.#flushPlanned) return
    this.#flushPlanned = true
    if (this.#owner.callsOpen() <= 1) queueMicrotask(this.#flush)
    else this.#owner.platform.afterTurn(this.#flush)
  }

  /** Reads on when nothing stands against it any more. */
  readOn(): void {
    if (!this.#stopped || this.#isGone || this.#inTurn) return
    if (this.#mustStop()) return this.#stop()
    this.#inTurn = true
    this.#decoder.resume()
    this.#inTurn = false
    this.#notePartial()
    this.writer.flush()
    if (this.#decoder.isWaiting || this.#mustStop()) return this.#stop()
    this.#stopped = false
    this.#reader.resume()
  }

  /** Sends what is queued, then ends this half. */
  async finish(): Promise<void> {
    try {
      await this.writer.finish()
    } catch {
      // The stream went first; `gone` has told.
    }
  }

  /** Ends this half and reads nothing more: the rest of the stream cannot be understood. */
  closeForCause(error: Error): void {
    this.#isClosing = true
    if (!this.#isGone) this.#reader.pause()
    void this.finish()
    this.#owner.platform.setTimer(() => this.reset(error), LINGER_MS)
  }

  reset(error: Error): void {
    if (this.#stream.status === 'open' || this.#stream.status === 'closing') this.#stream.abort(error)
  }

  /** What time has brought: `first` or `frame` for one that is not whole in time, `write` for a peer that takes nothing. */
  tick(
    now: number,
    limits: { readonly firstFrameMs: number; readonly frameMs: number }
  ): Lateness | undefined {
    const elapsed = now - this.#lastTick
    this.#lastTick = now
    if (this.#stopped) {
      this.#partialSince += elapsed
      this.#openedAt += elapsed
    }
    if (!this.#sawFrame && now - this.#openedAt > limits.firstFrameMs) return 'first'
    const isPartial = this.#decoder.isPartial && this.#partialFrame === this.#decoder.frames
    if (isPartial && now - this.#partialSince > limits.frameMs) return 'frame'
    return this.#isStalled(now) ? 'write' : undefined
  }

  #isStalled(now: number): boolean {
    if (this.writer.isBlocked && this.writer.bytesSent === this.#sentAtStall)
      return now - this.#stalledSince > STALLED_WRITE_MS
    this.#stalledSince = now
    this.#sentAtStall = this.writer.bytesSent
    return false
  }

  #endTurn(): void {
    this.#inTurn = false
    this.writer.flush()
    this.#notePartial()
    if (this.#decoder.isWaiting || this.#mustStop()) this.#stop()
  }

  /** Starts the clock of a frame whose first bytes are here and whose last are not. */
  #notePartial(): void {
    if (!this.#decoder.isPartial || this.#partialFrame === this.#decoder.frames) return
    this.#partialFrame = this.#decoder.frames
    this.#partialSince = this.#owner.platform.now()
  }

  #mustStop(): boolean {
    if (this.#isGone || this.#isClosing || this.#waitsForWriter || this.#owner.isFull()) return true
    // What a reserved frame still lacks is counted already; to wait for room would be to wait for itself.
    return this.#reserved === 0 && this.#owner.budget.isSpent
  }

  get #waitsForWriter(): boolean {
    return this.writer.isFull && this.#owner.readsWhileFull !== true
  }

  #stop(): void {
    this.#stopped = true
    if (this.#isGone) return
    this.#reader.pause()
    if (this.#waitsForWriter && !this.#awaitsWriter) {
      this.#awaitsWriter = true
      this.writer.onRoom(() => {
        this.#awaitsWriter = false
        this.readOn()
      })
    }
    if (this.#awaitsRoom || !(this.#decoder.isWaiting || this.#owner.budget.isSpent)) return
    this.#awaitsRoom = true
    this.#owner.budget.onRoom(this.#onRoom, this.#decoder.isWaiting ? this.#wanted : 1)
  }

  readonly #onRoom = (): void => {
    this.#awaitsRoom = false
    this.readOn()
  }

  #unreserve(): void {
    this.#owner.budget.release(this.#reserved)
    this.#reserved = 0
  }

  #finished(): void {
    if (this.#decoder.isPartial) this.reset(new OapError('bad_frame', 'the stream ended inside a frame'))
    else this.#owner.finished()
  }

  #gone(error: Error | undefined): void {
    if (this.#isGone) return
    this.#isGone = true
    if (this.#awaitsRoom) this.#owner.budget.forget?.(this.#onRoom)
    if (this.#reserved > 0) this.#unreserve()
    this.#owner.gone(error)
  }
}

export type Lateness = 'first' | 'frame' | 'write'
