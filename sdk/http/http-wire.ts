import { OapError, mailboxService, storageService } from '../../protocols/index.ts'
import type {
  CallOptions,
  Hello,
  Method,
  Operation,
  Subscription,
  Unary,
  UploadOptions
} from '../../protocols/index.ts'
import type { Time } from '../time.ts'
import type { Wire } from '../wire.ts'
import { HttpExchange, atMost } from './exchange.ts'
import type { Fetch } from './exchange.ts'
import { eventsOf } from './events.ts'
import { MAX_ANSWER_BYTES, answerOf, requestJson } from './mailbox-json.ts'
import { getBlob, hasBlobs, putBlob } from './storage-http.ts'

const DIAL_TIMEOUT_MS = 10_000
/** How long calls under way may go on once the client is closed. */
const CLOSE_TIMEOUT_MS = 1000

/** What a runtime does HTTP with. */
export interface HttpRuntime {
  readonly fetch: Fetch
  /** Whether a body can be sent while it is made; browsers cannot over HTTP/1.1. */
  readonly streamsUp: boolean
}

export interface HttpWireOptions extends HttpRuntime {
  readonly time: Time
  /** What stands before the path of each request, of up to 16 addresses of one hub. */
  readonly bases: readonly string[]
  readonly token: string | undefined
  readonly dialTimeoutMs: number | undefined
}

/** What one operation is over HTTP. */
type Served = (http: HttpParts, request: never, options: UploadOptions) => Promise<unknown>

/** What operations are made with. */
export interface HttpParts extends HttpRuntime {
  readonly exchange: HttpExchange
}

/** Mailbox and storage of a hub over HTTP. @see specs/http.md */
export class HttpWire implements Wire {
  /** What capabilities for HTTP are bound to. */
  readonly self = 'http'
  readonly #o: HttpWireOptions
  readonly #closing = new AbortController()
  readonly #over = new AbortController()
  readonly #parts: HttpParts
  readonly #underWay = new Set<Promise<unknown>>()

  constructor(options: HttpWireOptions) {
    this.#o = options
    const exchange = new HttpExchange({ ...options, over: this.#over.signal })
    this.#parts = { fetch: options.fetch, streamsUp: options.streamsUp, exchange }
  }

  get closing(): AbortSignal {
    return this.#closing.signal
  }

  method<O extends Operation>(app: number, op: string, row: O): Method<O> {
    const served = SERVED.get(row)
    const call = async (request: unknown, options: UploadOptions = {}): Promise<unknown> => {
      if (served === undefined) throw notOverHttp(app, op)
      this.#closing.signal.throwIfAborted()
      const made = served(this.#parts, request as never, options)
      this.#underWay.add(made)
      return made.finally(() => this.#underWay.delete(made))
    }
    return call as Method<O>
  }

  async hello(): Promise<Hello> {
    throw new OapError(
      'unknown_operation',
      `HTTP has no hello; GET /openapi.json says what the node serves, ${ELSE}`
    )
  }

  connected(signal?: AbortSignal): Promise<void> {
    return this.#parts.exchange.probe(this.#o.dialTimeoutMs ?? DIAL_TIMEOUT_MS, signal)
  }

  async close(): Promise<void> {
    const reason = new OapError('upstream', 'the client was closed', { reason: 'closed', retryable: false })
    this.#closing.abort(reason)
    if (this.#underWay.size > 0) {
      const { promise: late, resolve } = Promise.withResolvers<void>()
      const forget = this.#o.time.later(resolve, CLOSE_TIMEOUT_MS)
      await Promise.race([Promise.allSettled(this.#underWay), late])
      forget()
    }
    this.#over.abort(reason)
  }
}

const ELSE = 'or give createClient the multiaddr of the node as its url'

const notOverHttp = (app: number, op: string): OapError =>
  app === mailboxService.app || app === storageService.app
    ? new OapError(
        'unknown_operation',
        `HTTP has no place for the operation ${op.slice(0, 64)}, called so: take hub.mailbox, or put, get and has of hub.storage, ${ELSE}`
      )
    : new OapError('unknown_app', `HTTP reaches mailbox and storage alone: for other apps, ${ELSE}`)

/** Of each row what it is over HTTP; all others are refused. */
const SERVED: ReadonlyMap<Operation, Served> = new Map<Operation, Served>([
  ...Object.entries(mailboxService.operations).map(
    ([op, row]) => [row, row.kind === 'unary' ? mailboxCall(op, row) : mailboxEvents(row)] as const
  ),
  [storageService.operations.put, putBlob],
  [storageService.operations.get, getBlob],
  [storageService.operations.has, hasBlobs]
])

function mailboxCall(op: string, { answer }: Unary<unknown, unknown>): Served {
  return async ({ exchange }, request: object, call) => {
    const { e2e, deadlineMs } = call
    const more = {
      ...(deadlineMs !== undefined && { deadline_ms: deadlineMs }),
      ...(e2e === true && { e2e })
    }
    const { pieces } = await exchange.open(ask(op, requestJson(request, more)), call)
    return answerOf(await atMost(pieces, MAX_ANSWER_BYTES), answer)
  }
}

function mailboxEvents({ event }: Subscription<unknown, unknown>): Served {
  return async ({ exchange }, request: object, call: CallOptions) => {
    const asked = { ...ask('subscribe', requestJson(request, {})), beginsAtOnce: true }
    const { pieces, corrId } = await exchange.open(asked, call)
    return eventsOf(pieces, { corrId, read: data => answerOf(data, event) })
  }
}

const ask = (op: string, body: Uint8Array) =>
  ({ method: 'POST', path: `/mailbox/v1/${op}`, type: 'application/json', body }) as const
