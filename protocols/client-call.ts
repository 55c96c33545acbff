import { BodyQueue } from './body-queue.ts'
import type { HeldBytes } from './body-queue.ts'
import { OapError } from './errors.ts'
import type { CorrId } from './frame.ts'

/** A call as the opener sees it: what the session hands to it. */
export interface ClientCall {
  readonly app: number
  readonly isSubscription: boolean
  /** True once the first RESP of the answer came. */
  isAnswered: boolean
  /** Set by the session when it opens the call. */
  corr: CorrId
  /** Called once when the call has ended, however it did. */
  onOver: (() => void) | undefined
  data(payload: Uint8Array): void
  event(payload: Uint8Array): void
  end(): void
  fail(error: unknown): void
}

/** The most bytes of an answer that is put together before it is handed over. */
export const MAX_ANSWER_BYTES = 8_388_608

/** What makes a value of an answer's bytes. */
export interface Answer<T> {
  decode(payload: Uint8Array): T
}

/** A call whose whole answer is one value. */
export class UnaryCall<T> implements ClientCall {
  readonly app: number
  readonly isSubscription = false
  isAnswered = false
  corr: CorrId = 0
  onOver: (() => void) | undefined
  readonly #answer: Answer<T>
  readonly #resolve: (value: T) => void
  readonly #reject: (error: unknown) => void
  #first: Uint8Array | undefined
  #more: Uint8Array[] | undefined
  #bytes = 0

  constructor(app: number, answer: Answer<T>, resolve: (value: T) => void, reject: (error: unknown) => void) {
    this.app = app
    this.#answer = answer
    this.#resolve = resolve
    this.#reject = reject
  }

  data(payload: Uint8Array): void {
    this.#bytes += payload.length
    if (this.#bytes > MAX_ANSWER_BYTES)
      throw new OapError('body_oversize', `an answer over ${MAX_ANSWER_BYTES} bytes`)
    if (this.#first === undefined) this.#first = payload
    else (this.#more ??= []).push(payload)
  }

  event(): void {}

  end(): void {
    try {
      this.#resolve(this.#answer.decode(this.#whole()))
    } catch (error) {
      this.#reject(error)
    }
  }

  fail(error: unknown): void {
    this.#reject(error)
  }

  #whole(): Uint8Array {
    const first = this.#first ?? new Uint8Array(0)
    if (this.#more === undefined) return first
    const bytes = new Uint8Array(this.#bytes)
    let at = 0
    for (const piece of [first, ...this.#more]) {
      bytes.set(piece, at)
      at += piece.length
    }
    return bytes
  }
}

/** A call whose answer is a head and then a body or events, taken one by one. */
export class StreamingCall<Head> implements ClientCall {
  readonly app: number
  readonly isSubscription: boolean
  isAnswered = false
  corr: CorrId = 0
  onOver: (() => void) | undefined
  readonly queue: BodyQueue
  readonly #decode: (payload: Uint8Array) => Head
  readonly #resolve: (head: Head) => void
  readonly #reject: (error: unknown) => void
  readonly #isOpaque: boolean
  #hasHead = false

  /** Of an opaque answer the first frame's payload belongs to the body too. */
  constructor(
    app: number,
    { isSubscription = false, isOpaque = false },
    decode: (payload: Uint8Array) => Head,
    owner: HeldBytes,
    resolve: (head: Head) => void,
    reject: (error: unknown) => void
  ) {
    this.app = app
    this.isSubscription = isSubscription
    this.#isOpaque = isOpaque
    this.#decode = decode
    this.queue = new BodyQueue(owner)
    this.#resolve = resolve
    this.#reject = reject
  }

  data(payload: Uint8Array): void {
    if (!this.#hasHead) {
      this.#hasHead = true
      this.#resolve(this.#decode(payload))
      if (!this.#isOpaque) return
    }
    if (payload.length > 0) this.queue.push(payload)
  }

  event(payload: Uint8Array): void {
    this.queue.push(payload)
  }

  end(): void {
    this.queue.end()
  }

  fail(error: unknown): void {
    this.#reject(error)
    this.queue.fail(error instanceof Error ? error : new Error(String(error)))
  }
}
