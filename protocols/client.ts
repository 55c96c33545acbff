import { StreamingCall, UnaryCall } from './client-call.ts'
import type { ClientCall } from './client-call.ts'
import type { ClientSession, Start } from './client-session.ts'
import { deflate } from './compression.ts'
import { OapError } from './errors.ts'
import { FLAG, tenantBytes } from './frame.ts'
import type { Json } from './json.ts'
import { patiently } from './patience.ts'
import type {
  Operation,
  Operations,
  RequestCodec,
  ServiceTable,
  Streamed,
  Subscription,
  Unary
} from './service.ts'
import { NO_MEMBERS } from './service.ts'
import { INITIAL_CREDIT_BYTES } from './event-credit.ts'

/** How much longer than its deadline a call is waited for here, in milliseconds. */
const DEADLINE_SLACK_MS = 250

export interface CallOptions {
  readonly signal?: AbortSignal | undefined
  /** Milliseconds until the responder gives up with 504. */
  readonly deadlineMs?: number | undefined
  /** The printed UUID of the tenant. */
  readonly tenant?: string | undefined
  /** The capability of this call, in place of the connection's. */
  readonly cap?: Uint8Array | undefined
  /** The body is sealed between applications: nobody inflates or reads it. */
  readonly e2e?: boolean | undefined
  /** Sends the body as zstd where that is shorter. */
  readonly compress?: boolean | undefined
  /** A W3C traceparent. */
  readonly trace?: string | undefined
  /** Told the call's corr_id once its START is on its way: from then on it may be carried out. */
  readonly onOpen?: ((corrId: bigint) => void) | undefined
}

export interface UploadOptions extends CallOptions {
  /** The streamed body: read as fast as the other side takes it. */
  readonly body?: AsyncIterable<Uint8Array> | Iterable<Uint8Array> | undefined
}

export interface SubscribeOptions extends CallOptions {
  /** Bytes of events that may be outstanding; without it the stream's own window governs. */
  readonly credit?: number | undefined
}

/** An answer of a head and a body; leaving the loop over the body early cancels the call. */
export interface StreamedResult<Head> {
  readonly head: Head
  readonly body: AsyncIterable<Uint8Array>
}

/** One operation as a function. */
export type Method<O extends Operation> =
  O extends Unary<infer Req, infer Res>
    ? (request: Req, options?: UploadOptions) => Promise<Res>
    : O extends Streamed<infer Req, infer Head>
      ? (request: Req, options?: UploadOptions) => Promise<StreamedResult<Head>>
      : O extends Subscription<infer Req, infer Event>
        ? (request: Req, options?: SubscribeOptions) => Promise<AsyncIterable<Event>>
        : never

/** A service's operations as functions; each throws OapError with the code of the refusal. */
export type Client<O extends Operations> = { readonly [K in keyof O]: Method<O[K]> }

/** Where calls go: `shared` is the connection's long-lived session, `own` a stream for one call. */
export interface Caller {
  shared(): ClientSession | Promise<ClientSession>
  /** No longer than until `signal` aborts. */
  own(signal?: AbortSignal): Promise<ClientSession>
}

/** The client of a table over `caller`. */
export function client<O extends Operations>(table: ServiceTable<O>, caller: Caller): Client<O> {
  const methods = Object.entries(table.operations).map(([op, row]) => [
    op,
    callable(table.app, op, row, caller)
  ])
  return Object.fromEntries(methods) as Client<O>
}

/** One operation as a function, for whoever has a row and no table. */
export function callable<O extends Operation>(app: number, op: string, row: O, caller: Caller): Method<O> {
  return method(app, op, row, caller) as Method<O>
}

function method(app: number, op: string, row: Operation, caller: Caller): unknown {
  if (row.kind === 'unary') {
    return row.upload === true
      ? async (request: unknown, options: UploadOptions = {}) => {
          return onOwn(caller, options, (session, left) => callUnary(session, app, op, row, request, left))
        }
      : (request: unknown, options: UploadOptions = {}) => callShared(caller, app, op, row, request, options)
  }
  if (row.kind === 'streamed') {
    return async (request: unknown, options: UploadOptions = {}) => {
      return onOwn(caller, options, (session, left) => callStreamed(session, app, op, row, request, left))
    }
  }
  return async (request: unknown, options: SubscribeOptions = {}) => {
    return onOwn(caller, options, (session, left) => subscribe(session, app, op, row, request, left))
  }
}

/** Runs one call on a stream of its own; a call that could not even be opened leaves no stream behind. */
async function onOwn<O extends CallOptions, T>(
  caller: Caller,
  options: O,
  run: (session: ClientSession, left: O) => Promise<T>
): Promise<T> {
  const [session, left] = await ownSession(caller, options)
  try {
    return await run(session, left)
  } catch (error) {
    if (session.isUsable) session.reset(error instanceof Error ? error : new Error('not opened'))
    throw error
  }
}

const ownSession = <O extends CallOptions>(
  caller: Caller,
  options: O
): Promise<readonly [ClientSession, O]> =>
  patiently(
    options,
    signal => caller.own(signal),
    late => late.reset(new OapError('deadline', 'nobody waits for this stream any more'))
  )

function callShared(
  caller: Caller,
  app: number,
  op: string,
  row: Unary<unknown, unknown>,
  request: unknown,
  options: UploadOptions
): Promise<unknown> {
  const session = caller.shared()
  if (session instanceof Promise || session.isAtLimit)
    return queueShared(caller, app, op, row, request, options)
  return callUnary(session, app, op, row, request, options)
}

async function queueShared(
  caller: Caller,
  app: number,
  op: string,
  row: Unary<unknown, unknown>,
  request: unknown,
  options: UploadOptions
): Promise<unknown> {
  let patience = options
  for (;;) {
    const [session, left] = await patiently(
      patience,
      signal => roomySession(caller, signal),
      unused => unused.offerRoom()
    )
    patience = left
    if (!session.isUsable || session.isAtLimit) continue
    const answer = callUnary(session, app, op, row, request, left)
    session.offerRoom()
    return answer
  }
}

async function roomySession(caller: Caller, signal: AbortSignal | undefined): Promise<ClientSession> {
  const session = await caller.shared()
  await session.room(signal)
  return session
}

function callUnary(
  session: ClientSession,
  app: number,
  op: string,
  row: Unary<unknown, unknown>,
  request: unknown,
  options: UploadOptions
): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const call = new UnaryCall(app, row.answer, resolve, reject)
    open(session, call, start(session, op, row.request, request, options, row.upload === true), options)
  })
}

async function callStreamed(
  session: ClientSession,
  app: number,
  op: string,
  row: Streamed<unknown, unknown>,
  request: unknown,
  options: UploadOptions
): Promise<StreamedResult<unknown>> {
  let call: StreamingCall<unknown>
  const head = await new Promise((resolve, reject) => {
    const isOpaque = row.answer.form === 'opaque'
    call = new StreamingCall(
      app,
      { isOpaque },
      payload => row.answer.decode(payload),
      session,
      resolve,
      reject
    )
    open(session, call, start(session, op, row.request, request, options, row.upload === true), options)
  })
  return { head, body: leavable(session, call!, untilLeft(session, call!)) }
}

async function subscribe(
  session: ClientSession,
  app: number,
  op: string,
  row: Subscription<unknown, unknown>,
  request: unknown,
  options: SubscribeOptions
): Promise<AsyncIterable<unknown>> {
  let call: StreamingCall<undefined>
  await new Promise<undefined>((resolve, reject) => {
    call = new StreamingCall(app, { isSubscription: true }, () => undefined, session, resolve, reject)
    const extra = options.credit === undefined ? {} : { credit: options.credit }
    const opening = start(session, op, row.request, request, options, false, extra)
    const flags = opening.flags | (options.credit === undefined ? 0 : FLAG.ACK_REQ)
    open(session, call, { ...opening, flags }, options)
  })
  return leavable(session, call!, events(session, call!, row, options.credit))
}

/** Leaving a generator that waits, or was never begun, runs no `finally` of it: this frees the call at once. */
function leavable<T, Head>(
  session: ClientSession,
  call: StreamingCall<Head>,
  pieces: AsyncGenerator<T, void>
): AsyncGenerator<T, void> {
  const leave = pieces.return.bind(pieces)
  pieces.return = value => {
    call.queue.drop()
    session.cancel(call, new OapError('deadline', 'the reader left'))
    return leave(value)
  }
  return pieces
}

async function* untilLeft(
  session: ClientSession,
  call: StreamingCall<unknown>
): AsyncGenerator<Uint8Array, void> {
  try {
    yield* call.queue
  } finally {
    session.cancel(call, new OapError('deadline', 'the reader left'))
  }
}

/** Grants credit for what was taken, a quarter of the window at a time. */
async function* events(
  session: ClientSession,
  call: StreamingCall<undefined>,
  row: Subscription<unknown, unknown>,
  credit: number | undefined
): AsyncGenerator<unknown, void> {
  let seen = 0
  let taken = 0
  const step = (credit ?? INITIAL_CREDIT_BYTES) / 4
  try {
    for await (const payload of call.queue) {
      yield row.event.decode(payload)
      seen++
      taken += payload.length
      if (credit === undefined || taken < step) continue
      session.grant(call, seen, credit)
      taken = 0
    }
  } finally {
    session.cancel(call, new OapError('deadline', 'the reader left'))
  }
}

function start(
  session: ClientSession,
  op: string,
  codec: RequestCodec<unknown>,
  request: unknown,
  options: UploadOptions,
  hasUpload: boolean,
  members: Readonly<Record<string, Json>> = NO_MEMBERS
): Start {
  const { deadlineMs, trace, compress, e2e, cap } = options
  const extra =
    deadlineMs === undefined && trace === undefined ? members : withTimes(members, deadlineMs, trace)
  const { head, body } = codec.encode(op, request, extra)
  const mayCompress = compress === true && e2e !== true && session.mayCompress
  const small = mayCompress ? deflate(session.platform, body) : undefined
  return {
    flags: (e2e === true ? FLAG.APP_E2E : 0) | (small === undefined ? 0 : FLAG.COMP),
    tenant: options.tenant === undefined ? undefined : tenantBytes(options.tenant),
    cap: cap ?? session.cap,
    head,
    body: small ?? body,
    upload: hasUpload ? (options.body ?? []) : undefined
  }
}

function withTimes(
  members: Readonly<Record<string, Json>>,
  deadlineMs: number | undefined,
  trace: string | undefined
): Readonly<Record<string, Json>> {
  return {
    ...members,
    ...(deadlineMs === undefined ? {} : { deadline_ms: deadlineMs }),
    ...(trace === undefined ? {} : { trace })
  }
}

/** Opens the call, says so, and ties it to the caller's signal and deadline. */
function open(session: ClientSession, call: ClientCall, opening: Start, options: CallOptions): void {
  openInTime(session, call, opening, options)
  options.onOpen?.(BigInt(call.corr))
}

function openInTime(session: ClientSession, call: ClientCall, opening: Start, options: CallOptions): void {
  const { signal, deadlineMs } = options
  if (signal === undefined && deadlineMs === undefined) return session.open(call, opening)
  signal?.throwIfAborted()
  const onAbort = (): void => session.cancel(call, signal?.reason)
  const late = (): void => session.cancel(call, new OapError('deadline', 'no answer before the deadline'))
  const timer =
    deadlineMs === undefined ? undefined : session.platform.setTimer(late, deadlineMs + DEADLINE_SLACK_MS)
  call.onOver = () => {
    signal?.removeEventListener('abort', onAbort)
    if (timer !== undefined) session.platform.clearTimer(timer)
  }
  signal?.addEventListener('abort', onAbort, { once: true })
  try {
    session.open(call, opening)
  } catch (error) {
    call.onOver()
    throw error
  }
}
