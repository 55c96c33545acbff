import { Uint8ArrayList } from 'uint8arraylist'
import type { ByteStream } from './byte-stream.ts'
import { HEADER_BYTES, writeHeader } from './frame.ts'
import type { CorrId } from './frame.ts'

const FIRST_SLAB_BYTES = 2048
const SLAB_BYTES = 32_768
/** Payloads from here on are sent as they are; smaller ones are copied into the slab. */
const COPY_LIMIT_BYTES = 8192
/** A write of this size is worth sending before the turn is over. */
const FULL_WRITE_BYTES = 131_072
/** The stream keeps what it cannot send yet, and breaks at 8 MiB: it gets no more at once than this and a frame. */
const MOST_WRITE_BYTES = 1_048_576
/** Queued bytes above which a writer is full. */
export const WRITE_HIGH_WATER_BYTES = 262_144

const EMPTY = new Uint8Array(0)

/**
 * Queues frames and sends all of one turn in one write.
 * Payloads of 8 KiB and more are not copied: they must not change before they are sent.
 */
export class FrameWriter {
  readonly #stream: ByteStream
  #slab: Uint8Array = EMPTY
  #from = 0
  #to = 0
  #parts: Uint8Array[] = []
  #partBytes = 0
  #blocked = false
  #closing = false
  #isGathering = false
  #waiters: (() => void)[] = []
  bytesSent = 0

  constructor(stream: ByteStream) {
    this.#stream = stream
    // On `drain` the muxer goes on with what it holds in a microtask; only after that it is known whether room is left.
    stream.addEventListener('drain', () => queueMicrotask(() => this.#drained()))
    stream.addEventListener('close', () => this.#wake())
  }

  get queuedBytes(): number {
    return this.#partBytes + this.#to - this.#from
  }

  get isFull(): boolean {
    return this.#blocked && this.queuedBytes > WRITE_HIGH_WATER_BYTES
  }

  /** True once this half is ending: nothing that is written now would leave. */
  get isFinished(): boolean {
    return this.#closing
  }

  get isBlocked(): boolean {
    return this.#blocked
  }

  write(
    flags: number,
    code: number,
    app: number,
    tenant: Uint8Array | undefined,
    corr: CorrId,
    payload: Uint8Array
  ): void {
    this.writeParts(flags, code, app, tenant, corr, EMPTY, payload, EMPTY)
  }

  /** One frame whose payload is `head` followed by `body`. */
  writeParts(
    flags: number,
    code: number,
    app: number,
    tenant: Uint8Array | undefined,
    corr: CorrId,
    cap: Uint8Array,
    head: Uint8Array,
    body: Uint8Array
  ): void {
    const copiesBody = body.length < COPY_LIMIT_BYTES
    const copiesHead = head.length < COPY_LIMIT_BYTES
    const need = HEADER_BYTES + cap.length + (copiesHead ? head.length : 0) + (copiesBody ? body.length : 0)
    this.#makeRoom(need)
    writeHeader(this.#slab, this.#to, flags, code, app, tenant, corr, cap.length, head.length + body.length)
    this.#to += HEADER_BYTES
    this.#append(cap, true)
    this.#append(head, copiesHead)
    this.#append(body, copiesBody)
  }

  /** Until `sendGathered`, only a full write leaves. False when that holds already: one of many writers ends it for all. */
  gather(): boolean {
    if (this.#isGathering || this.#closing) return false
    this.#isGathering = true
    return true
  }

  sendGathered(): void {
    this.#isGathering = false
    this.flush()
  }

  /** Sends what is queued, until the stream asks to wait, unless more is being gathered. */
  flush(): void {
    if (this.#isGathering && this.queuedBytes < FULL_WRITE_BYTES) return
    while (!this.#blocked && this.queuedBytes > 0 && this.#isWritable) this.#send(this.#take())
  }

  #send(bytes: Uint8Array | Uint8ArrayList): void {
    this.bytesSent += bytes.byteLength
    try {
      if (!this.#stream.send(bytes)) this.#blocked = true
    } catch {
      // A stream that cannot send aborts itself, and its `close` event tells the session.
    }
  }

  /** What a writer of a long body awaits after each frame: sends full writes at once, and waits while the stream asks to. */
  pressure(): Promise<void> | undefined {
    if (this.queuedBytes >= FULL_WRITE_BYTES) this.flush()
    return this.#blocked ? this.ready() : undefined
  }

  /** Resolves when little enough is queued that a further frame may be written. */
  async ready(): Promise<void> {
    while (this.#isWritable && this.#blocked) await new Promise<void>(resolve => this.#waiters.push(resolve))
  }

  /** Called each time a full writer has room again, and once when the stream is gone. */
  onRoom(listener: () => void): void {
    this.#waiters.push(listener)
  }

  /** Sends what is queued, then ends this half of the stream. */
  async finish(): Promise<void> {
    if (this.#closing) return
    while (this.#isWritable && this.queuedBytes > 0) {
      this.sendGathered()
      if (this.#blocked) await this.ready()
    }
    this.#closing = true
    if (this.#isWritable) await this.#stream.close()
  }

  get #isWritable(): boolean {
    return this.#stream.status === 'open'
  }

  #drained(): void {
    if (this.#stream.writableNeedsDrain) return
    this.#blocked = false
    this.flush()
    if (!this.#blocked) this.#wake()
  }

  #wake(): void {
    const waiters = this.#waiters
    this.#waiters = []
    for (const wake of waiters) wake()
  }

  #makeRoom(bytes: number): void {
    if (this.#slab.length - this.#to >= bytes) return
    this.#sealSlab()
    const size = this.#slab.length === 0 ? FIRST_SLAB_BYTES : SLAB_BYTES
    this.#slab = new Uint8Array(Math.max(size, bytes))
    this.#from = 0
    this.#to = 0
  }

  #append(bytes: Uint8Array, copies: boolean): void {
    if (bytes.length === 0) return
    if (copies) {
      this.#slab.set(bytes, this.#to)
      this.#to += bytes.length
      return
    }
    this.#sealSlab()
    this.#parts.push(bytes)
    this.#partBytes += bytes.length
  }

  #sealSlab(): void {
    if (this.#to === this.#from) return
    this.#partBytes += this.#to - this.#from
    this.#parts.push(this.#cutSlab())
  }

  #cutSlab(): Uint8Array {
    const cut = this.#slab.subarray(this.#from, this.#to)
    this.#from = this.#to
    return cut
  }

  #take(): Uint8Array | Uint8ArrayList {
    if (this.#parts.length === 0) return this.#cutSlab()
    this.#sealSlab()
    const parts = this.#partBytes > MOST_WRITE_BYTES ? this.#firstParts() : this.#parts
    if (parts === this.#parts) {
      this.#parts = []
      this.#partBytes = 0
    }
    return parts.length === 1 ? parts[0]! : new Uint8ArrayList(...parts)
  }

  /** Takes parts away until they make a large write: what is left waits for room. */
  #firstParts(): Uint8Array[] {
    let bytes = 0
    let count = 0
    while (bytes < MOST_WRITE_BYTES) bytes += this.#parts[count++]!.length
    this.#partBytes -= bytes
    return this.#parts.splice(0, count)
  }
}
