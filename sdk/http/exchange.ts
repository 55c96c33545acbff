import { OapError, corrHex } from '../../protocols/index.ts'
import type { CallOptions } from '../../protocols/index.ts'
import { ConnectError } from '../connect-error.ts'
import { joined } from '../in-time.ts'
import type { Time } from '../time.ts'
import { toBase64url } from './base64.ts'
import { fetchFault, sessionLost } from './fetch-fault.ts'
import { problemError } from './problem.ts'

/** How much longer than its deadline a call is waited for here. */
const DEADLINE_SLACK_MS = 250
/** Without a byte for so long the answer is given up: while nothing happens a node sends comments every 15 s. */
const SILENCE_MS = 45_000
const MAX_PROBLEM_BYTES = 65_536
const NO_ANSWER = 'it gave no answer in time; check the address, and firewalls on the way'
const TRACE = /^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/

export type Fetch = (url: string, init: RequestInit) => Promise<Response>

/** One request, without who asks. */
export interface Ask {
  readonly method: 'GET' | 'POST' | 'PUT'
  /** With its query. */
  readonly path: string
  readonly type?: string | undefined
  readonly body?: string | Uint8Array | Blob | ReadableStream<Uint8Array> | undefined
  /** That its answer begins at once, as events do: silence before that ends it, too. */
  readonly beginsAtOnce?: boolean
}

/** An answer of success that has begun; it ends when `pieces` do, or are left. */
export interface Opened {
  readonly headers: Headers
  readonly corrId: bigint
  /** The body as it comes, no faster than it is read. */
  readonly pieces: AsyncIterableIterator<Uint8Array, void>
}

export interface ExchangeOptions {
  readonly fetch: Fetch
  readonly time: Time
  /** At least one, each without a slash at its end. */
  readonly bases: readonly string[]
  /** Of the operator, for calls without a capability. */
  readonly token: string | undefined
  /** Ends everything. */
  readonly over: AbortSignal
}

/** Requests to one hub, at the address that answered last, else at the next. Each is made once. */
export class HttpExchange {
  readonly #o: ExchangeOptions
  #at = 0

  constructor(options: ExchangeOptions) {
    this.#o = options
  }

  /** Resolves once a node that serves this answers at one of the addresses. @throws ConnectError */
  async probe(timeoutMs: number, signal: AbortSignal | undefined): Promise<void> {
    let failure: unknown
    for (const _ of this.#o.bases) {
      const base = this.#o.bases[this.#at]!
      try {
        return await this.#probeOne(base, timeoutMs, signal)
      } catch (error) {
        if (!(error instanceof ConnectError)) throw error
        if (failure === undefined || error.code === 'unreachable') failure = error
        this.#next(base)
      }
    }
    throw failure
  }

  /** @throws OapError of a refusal; ConnectError where no connection came about; the reason of an aborted signal */
  async open({ method, path, type, body, beginsAtOnce }: Ask, call: CallOptions): Promise<Opened> {
    const { token } = this.#o
    const { cap, trace, deadlineMs, signal, onOpen } = call
    const corrId = newCorrId()
    const bearer = cap === undefined ? token : toBase64url(cap)
    const life = this.#life(deadlineMs, signal)
    const heard = beginsAtOnce === true ? this.#unlessSilent(life) : undefined
    try {
      life.signal.throwIfAborted()
      const coming = this.#fetchAny(path, {
        ...PLAIN,
        method,
        signal: life.signal,
        headers: {
          'x-request-id': corrHex(corrId),
          ...(type !== undefined && { 'content-type': type }),
          ...(bearer !== undefined && { authorization: `Bearer ${bearer}` }),
          ...(trace !== undefined && TRACE.test(trace) && { traceparent: trace })
        },
        ...(body !== undefined && { body: body as BodyInit }),
        // What is streamed up is read while nothing comes down.
        ...(body instanceof ReadableStream && { duplex: 'half' })
      })
      onOpen?.(corrId)
      const response = await coming
      heard?.()
      const pieces = this.#pieces(response, life)
      if (response.ok) return { headers: response.headers, corrId, pieces }
      throw await refusal(response, pieces, corrId)
    } catch (error) {
      heard?.()
      life.release()
      throw error
    }
  }

  /** Until what it yields is called. */
  #unlessSilent(life: Life): () => void {
    const silent = (): void => life.end(sessionLost(`nothing of it came for ${SILENCE_MS} ms`))
    return this.#o.time.later(silent, SILENCE_MS)
  }

  /** What ends a request and its answer: its caller, its deadline, silence, the client. */
  #life(deadlineMs: number | undefined, caller: AbortSignal | undefined): Life {
    const own = new AbortController()
    const { signal, release } = joined(caller, this.#o.over, own.signal)
    const late = (): void => own.abort(new OapError('deadline', 'no answer before the deadline'))
    const forget =
      deadlineMs === undefined ? undefined : this.#o.time.later(late, deadlineMs + DEADLINE_SLACK_MS)
    return {
      signal,
      end: reason => own.abort(reason),
      release: () => {
        forget?.()
        release()
      }
    }
  }

  async #probeOne(base: string, timeoutMs: number, signal: AbortSignal | undefined): Promise<void> {
    const life = this.#life(undefined, signal)
    const late = this.#o.time.later(
      () => life.end(new ConnectError('unreachable', base, NO_ANSWER)),
      timeoutMs
    )
    try {
      const response = await this.#o.fetch(`${base}${PROBE}`, { ...PLAIN, signal: life.signal })
      const error = await refusal(response, this.#pieces(response, life), 0n)
      const problem = PROBLEMS[error.code] ?? (response.status < 400 ? NOT_A_HUB : undefined)
      if (problem !== undefined) throw new ConnectError('not_oap', base, problem)
    } catch (error) {
      if (error instanceof ConnectError) throw error
      if (life.signal.aborted) throw life.signal.reason
      const fault = fetchFault(base, error)
      throw fault instanceof ConnectError
        ? fault
        : new ConnectError('unreachable', base, UNREACHABLE, { cause: error })
    } finally {
      late()
      life.release()
    }
  }

  /** Where no connection comes about, nothing was sent, and the next address is as good. */
  async #fetchAny(path: string, init: RequestInit): Promise<Response> {
    const { bases, fetch } = this.#o
    let failure: unknown
    for (const _ of bases) {
      const base = bases[this.#at]!
      try {
        return await fetch(`${base}${path}`, init)
      } catch (error) {
        init.signal?.throwIfAborted()
        failure = fetchFault(base, error)
        this.#next(base)
        const isSent = !(failure instanceof ConnectError) || init.body instanceof ReadableStream
        if (isSent) throw failure
      }
    }
    throw failure
  }

  /** Unless another request went on before. */
  #next(from: string): void {
    const { bases } = this.#o
    if (bases[this.#at] === from) this.#at = (this.#at + 1) % bases.length
  }

  #pieces({ body }: Response, life: Life): AsyncIterableIterator<Uint8Array, void> {
    const reader = body?.getReader()
    const end = (): IteratorReturnResult<void> => {
      life.release()
      return { done: true, value: undefined }
    }
    const pieces: AsyncIterableIterator<Uint8Array, void> = {
      next: async () => {
        const forget = this.#unlessSilent(life)
        try {
          const piece = await reader?.read()
          return piece === undefined || piece.done ? end() : { done: false, value: piece.value }
        } catch (error) {
          life.release()
          throw life.signal.aborted ? life.signal.reason : sessionLost('it broke off', error)
        } finally {
          forget()
        }
      },
      return: async () => {
        // The caller's own signal has no part in this.
        life.end(new OapError('deadline', 'the reader left'))
        return end()
      },
      [Symbol.asyncIterator]: () => pieces
    }
    return pieces
  }
}

interface Life {
  readonly signal: AbortSignal
  readonly end: (reason: unknown) => void
  readonly release: () => void
}

/** Nothing of a browser's goes along, and a capability goes where it was meant to go. */
const PLAIN = { redirect: 'manual', cache: 'no-store', credentials: 'omit' } as const

/** Answered with `method_not_allowed` by a node that serves mailbox and storage over HTTP, to whoever asks. */
const PROBE = '/mailbox/v1/send'
const NOT_A_HUB =
  'something answers there, but no hub over HTTP; check the address, and gateway.enabled of the node'
const PROBLEMS: Readonly<Record<string, string>> = {
  not_found: NOT_A_HUB,
  misdirected: 'the node does not answer to that host; its operator can add it to gateway.hosts',
  origin_denied: 'the node answers no page of this origin; its operator can add it to gateway.origins'
}
const UNREACHABLE =
  'no hub answers there; check that it runs, its address, and in browsers that gateway.origins has the origin of the page'

async function refusal(
  { status, type, headers }: Response,
  pieces: AsyncIterableIterator<Uint8Array, void>,
  corrId: bigint
): Promise<OapError> {
  if (type === 'opaqueredirect' || (status >= 300 && status < 400)) {
    await pieces.return?.()
    return new OapError('upstream', 'the address is redirected; give the one where it leads', {
      retryable: false,
      corrId
    })
  }
  const body = await atMost(pieces, MAX_PROBLEM_BYTES)
  return problemError(status, body, { corrId, retryAfter: headers.get('retry-after') })
}

/** All of it. @throws OapError `upstream` where there is more */
export async function atMost(
  pieces: AsyncIterableIterator<Uint8Array, void>,
  maxBytes: number
): Promise<Uint8Array> {
  const parts: Uint8Array[] = []
  let length = 0
  for (let piece = await pieces.next(); piece.done !== true; piece = await pieces.next()) {
    length += piece.value.length
    if (length > maxBytes) {
      await pieces.return?.()
      throw new OapError('upstream', `the answer is longer than ${maxBytes} bytes`, { retryable: false })
    }
    parts.push(piece.value)
  }
  return joinedBytes(parts, length)
}

export function joinedBytes(parts: readonly Uint8Array[], length: number): Uint8Array {
  const [only] = parts
  if (parts.length === 1 && only !== undefined) return only
  const bytes = new Uint8Array(length)
  let at = 0
  for (const part of parts) {
    bytes.set(part, at)
    at += part.length
  }
  return bytes
}

/** 64 random bits that are not all 0. */
function newCorrId(): bigint {
  const [bits = 0n] = crypto.getRandomValues(new BigUint64Array(1))
  return bits === 0n ? 1n : bits
}
