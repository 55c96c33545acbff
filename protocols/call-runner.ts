import { OapError } from './errors.ts'
import { Credit, INITIAL_CREDIT_BYTES } from './event-credit.ts'
import { integer } from './fields.ts'
import { FLAG } from './frame.ts'
import type { Frame } from './frame.ts'
import type { Json } from './json.ts'
import type { Payload } from './record.ts'
import { sendEvents, sendStream, sendUnary } from './server-answer.ts'
import type { AnswerPort } from './server-answer.ts'
import type { ServerCall } from './server-call.ts'
import type { ServerSessionOptions } from './server-options.ts'
import type { Uploads } from './uploads.ts'

const MAX_DEADLINE_MS = 2 ** 31 - 1

const EMPTY = new Uint8Array(0)
const deadlineField = integer(1, MAX_DEADLINE_MS)
const creditField = integer(0, Number.MAX_SAFE_INTEGER)

/** The session that a call belongs to, as its way from guard to answer needs it. */
export interface CallOwner {
  readonly port: AnswerPort
  /** Ends a call with an error answer. */
  refuse(call: ServerCall, error: OapError): void
  /** The same for whatever was thrown. */
  failed(call: ServerCall, error: unknown): void
  /** Counts the bytes of a request that waits. */
  keep(call: ServerCall, bytes: number): void
  flushSoon(): void
}

/** Takes calls from the guard to the handler, and what that yields to the peer. */
export class CallRunner {
  readonly #o: ServerSessionOptions
  readonly #uploads: Uploads
  readonly #owner: CallOwner

  constructor(options: ServerSessionOptions, uploads: Uploads, owner: CallOwner) {
    this.#o = options
    this.#uploads = uploads
    this.#owner = owner
  }

  /** Runs a call whose operation is known. Throws what is wrong with its header or, of a handler that answers at once, what that threw. */
  run(call: ServerCall, payload: Payload, frame: Frame): void {
    this.#o.observer.started(call)
    const { header } = payload
    this.#setDeadline(call, header['deadline_ms'])
    const served = call.served!
    if (served.row.kind === 'subscription') this.#openCredit(call, header['credit'])
    if (served.row.upload === true) this.#uploads.open(call, payload.body)
    const verdict = this.#o.guard?.({
      connection: this.#o.connection,
      call,
      served,
      header,
      cap: frame.cap,
      bodyBytes: payload.body.length
    })
    if (verdict === undefined) return this.#handle(call, payload)
    if (verdict instanceof OapError) return this.#owner.refuse(call, verdict)
    this.#owner.keep(call, frame.payloadBytes)
    verdict.then(
      refusal => (refusal === undefined ? this.#tryHandle(call, payload) : this.#owner.refuse(call, refusal)),
      (error: unknown) => this.#owner.failed(call, error)
    )
  }

  #tryHandle(call: ServerCall, payload: Payload): void {
    if (call.isOver) return
    try {
      this.#handle(call, payload)
    } catch (error) {
      this.#owner.failed(call, error)
    }
    this.#owner.flushSoon()
  }

  #handle(call: ServerCall, { header, body }: Payload): void {
    const { row, handler } = call.served!
    const result = handler(
      row.request.decode(header, row.upload === true ? EMPTY : this.#uploads.whole(call, body)),
      call
    )
    if (!(result instanceof Promise)) return this.#answer(call, result)
    this.#owner.keep(call, call.bytesIn)
    result.then(
      value => this.#tryAnswer(call, value),
      (error: unknown) => this.#owner.failed(call, error)
    )
  }

  #tryAnswer(call: ServerCall, value: unknown): void {
    try {
      this.#answer(call, value)
    } catch (error) {
      this.#owner.failed(call, error)
    }
    this.#owner.flushSoon()
  }

  #answer(call: ServerCall, value: unknown): void {
    if (call.isOver) return
    const { row } = call.served!
    if (row.kind === 'unary') return sendUnary(this.#owner.port, call, value, row)
    const sending =
      row.kind === 'streamed'
        ? sendStream(this.#owner.port, call, value, row)
        : sendEvents(this.#owner.port, call, value, row)
    sending.catch((error: unknown) => this.#owner.failed(call, error))
  }

  #openCredit(call: ServerCall, asked: Json | undefined): void {
    if ((call.startFlags & FLAG.ACK_REQ) === 0) return
    call.credit = new Credit(asked === undefined ? INITIAL_CREDIT_BYTES : creditField.read(asked, 'credit'))
  }

  #setDeadline(call: ServerCall, asked: Json | undefined): void {
    if (asked === undefined) return
    const ms = deadlineField.read(asked, 'deadline_ms')
    call.timer = this.#o.platform.setTimer(() => this.#owner.refuse(call, new OapError('deadline')), ms)
  }
}
