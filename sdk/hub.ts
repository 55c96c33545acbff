import { OapError, capabilitiesService, opaque, streamed, subscription, unary } from '../protocols/index.ts'
import type {
  CallOptions,
  Client,
  Hello,
  JsonObject,
  Operations,
  ServiceTable,
  Sha256,
  SubscribeOptions,
  UploadOptions
} from '../protocols/index.ts'
import { Answer, answerStream } from './answer.ts'
import type { AnswerStream } from './answer.ts'
import { bodyOnce } from './body-once.ts'
import type { Calls, HubCallOptions } from './calls.ts'
import { inTime } from './in-time.ts'
import { Mailbox } from './mailbox/mailbox.ts'
import { anyRequest, requestOf } from './payload.ts'
import { HubStorage } from './storage/storage.ts'
import { tableClient } from './table-client.ts'
import type { Wire } from './wire.ts'

export interface AnyCallOptions extends HubCallOptions {
  /** Members of the request's header beside a body. */
  readonly members?: JsonObject | undefined
  /** Goes with the request as `idem_key`, and makes the call safe to repeat. */
  readonly idemKey?: string | undefined
}

export interface StreamOptions extends AnyCallOptions {
  /** Raw bytes after the request, read as fast as the node takes them. With it only what was never sent is repeated. */
  readonly body?: AsyncIterable<Uint8Array> | Iterable<Uint8Array> | undefined
}

export interface EventOptions extends AnyCallOptions {
  /** Bytes of events that may be outstanding; without it the stream's own window governs. */
  readonly credit?: number | undefined
}

/** What a capability of another hub is wanted for. */
export interface ExchangeOptions extends Pick<HubCallOptions, 'signal' | 'deadlineMs'> {
  /** What is to be called there: of those that the capability of this client names. */
  readonly verbs: readonly string[]
  /** Topic patterns; without them all that the capability and a share have in common. */
  readonly topics?: readonly string[] | undefined
  /** The id of the share, where several would do. */
  readonly share?: string | undefined
}

/** A capability of another hub. */
export interface Exchanged {
  readonly cap: Uint8Array
  /** Unix seconds. */
  readonly expires: number
  /** Multiaddrs of the hub, for `createClient`. */
  readonly addresses: readonly string[]
}

export interface HubParts {
  readonly wire: Wire
  readonly calls: Calls
  readonly sha256: () => Sha256
  /** Ends the way to the hub and what runs beside it. */
  readonly close: () => Promise<void>
}

/** A client of a hub: it dials again when the connection is gone, and repeats what is safe to repeat. */
export class Hub implements AsyncDisposable {
  /** Durable messages by topic. */
  readonly mailbox: Mailbox
  /** Blobs by the hash of their content. */
  readonly storage: HubStorage
  readonly #parts: HubParts

  constructor(parts: HubParts) {
    this.#parts = parts
    this.mailbox = new Mailbox(parts.wire, parts.calls)
    this.storage = new HubStorage(parts.wire, parts.calls, parts.sha256)
  }

  /** What capabilities for this client are bound to: its peer id, or `http` where it speaks that. */
  get self(): string {
    return this.#parts.wire.self
  }

  /** The capability that calls carry now. */
  get cap(): Uint8Array | undefined {
    return this.#parts.calls.cap
  }

  /** What the node says of itself, asked once for each connection. Made again and ended as any call that only reads. */
  hello(options: Pick<HubCallOptions, 'signal' | 'deadlineMs'> = {}): Promise<Hello> {
    const { wire, calls } = this.#parts
    return calls.unary(options, true, ({ deadlineMs, signal }) =>
      inTime(wire.hello(), { time: calls.time, ms: deadlineMs, signals: [signal] })
    )
  }

  /**
   * Calls one operation of any app id. A payload of bytes goes as the body, an object as members of the request's header.
   * Throws an OapError of the class of its code; ConnectError where no node answers; the reason of an aborted `signal`.
   */
  call(
    app: number,
    op: string,
    payload?: Uint8Array | JsonObject,
    options: AnyCallOptions = {}
  ): Promise<Answer> {
    const run = this.#parts.wire.method(app, op, ANY)
    const request = requestOf(payload, options)
    return this.#parts.calls.unary(options, options.idemKey !== undefined, async call => {
      const noted = noting(call)
      return new Answer(await run(request, noted.options), noted.corrId())
    })
  }

  /**
   * Calls an operation that streams its answer, and takes a streamed body. Resolves with the answer's beginning, whose
   * first piece is its head where the operation has one. A deadline covers the whole stream.
   */
  stream(
    app: number,
    op: string,
    payload?: Uint8Array | JsonObject,
    options: StreamOptions = {}
  ): Promise<AnswerStream> {
    const { idemKey } = options
    const { body, isSpent } = bodyOnce(options.body)
    const run = this.#parts.wire.method(app, op, body === undefined ? ANY_STREAMED : ANY_UPLOADED)
    const request = requestOf(payload, options)
    const isRepeatable = body === undefined && idemKey !== undefined
    const calling = body === undefined ? options : { ...options, isIdempotent: false, isSpent }
    return this.#parts.calls.streamed(calling, isRepeatable, async (call, reading) => {
      const uploading: UploadOptions = { ...call, body }
      return answerStream(reading.of((await run(request, uploading)).body), reading.corrId!)
    })
  }

  /** Calls an operation that pushes events, for as long as they are read; each piece is one event. */
  events(
    app: number,
    op: string,
    payload?: Uint8Array | JsonObject,
    options: EventOptions = {}
  ): Promise<AnswerStream> {
    const { credit, idemKey } = options
    const run = this.#parts.wire.method(app, op, ANY_EVENTS)
    const request = requestOf(payload, options)
    return this.#parts.calls.streamed(options, idemKey !== undefined, async (call, reading) => {
      const subscribing: SubscribeOptions = { ...call, credit }
      return answerStream(reading.of(await run(request, subscribing)), reading.corrId!)
    })
  }

  /**
   * A capability of a hub that this one is linked with, by its hub id: for at most a quarter of an hour, and for no more
   * than the capability of this client and both treaties allow. That must name `cap:obtain` and be bound to this client.
   * Throws `cap_denied` with the reason, `no_link`, `not_found`.
   */
  async exchange(hub: string, { verbs, topics, share, ...options }: ExchangeOptions): Promise<Exchanged> {
    const { obtain } = this.client(capabilitiesService)
    const asked = { hub, verb: verbs.join(','), topic: topics?.join(','), share }
    const { body, expires, addresses } = await obtain(asked, options)
    if (body === undefined) throw new OapError('upstream', 'the exchange brought no capability')
    return { cap: body, expires, addresses }
  }

  /** The operations of a table as functions, made with the same care: those that write only once, unless told otherwise. */
  client<O extends Operations>(table: ServiceTable<O>): Client<O> {
    return tableClient(table, this.#parts.wire, this.#parts.calls)
  }

  /**
   * Ends the connection. Calls under way have a second for their answers; what streams, waits or comes later fails as
   * LinkError `upstream`, of those who wait with `reason` `closed`. Safe to call twice.
   */
  close(): Promise<void> {
    return this.#parts.close()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}

const ROW = { verb: '', request: anyRequest, answer: opaque } as const
const ANY = unary(ROW)
const ANY_STREAMED = streamed(ROW)
const ANY_UPLOADED = streamed({ ...ROW, upload: true })
const ANY_EVENTS = subscription({ verb: '', request: anyRequest, event: opaque })

/** Options that note the corr_id of the call that they are used for. */
function noting<O extends CallOptions>(options: O): { readonly options: O; readonly corrId: () => bigint } {
  let corrId = 0n
  const onOpen = (id: bigint): void => {
    corrId = id
    options.onOpen?.(id)
  }
  return { options: { ...options, onOpen }, corrId: () => corrId }
}
