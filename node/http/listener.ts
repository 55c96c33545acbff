import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import { networksOf } from '../ams/access/addresses.ts'
import { LOOPBACK_HOSTS, isForUs } from '../ams/access/host-rule.ts'
import { REQUEST_ID_HEADER, requestIdOf } from '../ams/access/request-id.ts'
import { SECURITY_HEADERS } from '../ams/access/security-headers.ts'
import type { HostPort } from '../config/index.ts'
import { serving } from '../listener/serving.ts'
import { SetupError, errorCode, systemError } from '../setup-error.ts'
import { demandBodyWithin } from './body-deadline.ts'
import { BodyRoom } from './body-room.ts'
import { draining } from './drain.ts'
import type { Draining } from './drain.ts'
import { refusalOfOthers } from './other-methods.ts'
import { INTERNAL, Problem, problemBody, problemOf, sendProblem } from './problem.ts'
import { SourceConnections } from './source-connections.ts'

const KEEP_ALIVE_TIMEOUT_MS = 5000
const MAX_REQUESTS_PER_SOCKET = 1000
const RETRY_AFTER_S = 1
const CHECK_EVERY_MS = 1000
/** For what is passed on as it comes; all other bodies have `requestMs`. */
const LONGEST_REQUEST_MS = 6 * 3_600_000
/** Of all connections one source has a quarter, so that it takes four to keep everybody else out. */
const SOURCES_TO_FILL = 4
/** Programs of this machine, and proxies on it that nobody has named. */
const THIS_MACHINE = ['127.0.0.1', '::1']

export interface ListenerBounds {
  /** One more is closed; one source has a quarter of them, and is answered 503 beyond. */
  readonly connections: number
  /** Within which headers must have come. */
  readonly headersMs: number
  /** Within which a body must have come, and after which a connection that says nothing ends. */
  readonly requestMs: number
  /** How often these are looked at. */
  readonly checkEveryMs: number
  /** Within which what is asked is answered once the listener stops: whoever can wait longer waits for `idle` before. */
  readonly drainMs: number
  readonly headerBytes: number
  /** Of a route that says nothing else. */
  readonly bodyBytes: number
  /** Of all bodies that are read at the same time. */
  readonly allBodiesBytes: number
}

/** For health, readiness and metrics, and what is read. */
export const LISTENER_BOUNDS: ListenerBounds = {
  connections: 64,
  headersMs: 5000,
  requestMs: 10_000,
  drainMs: 2000,
  checkEveryMs: CHECK_EVERY_MS,
  headerBytes: 8192,
  bodyBytes: 1024,
  allBodiesBytes: 1024 * 1024
}

/** Whether a node takes calls, and why not. Ready means that nothing is missing. */
export interface Readiness {
  /** Names of parts that a call cannot do without. */
  readonly missing: readonly string[]
  /** Names of parts that run with less than they should have. */
  readonly degraded: readonly string[]
  /** Whole seconds until it is worth asking again; 1 unless known better. */
  readonly retryAfterS?: number
}

/** Adds what is served; `url` is where, once it is. */
export type HttpRoutes = (app: FastifyInstance, url: () => string) => void

export interface HttpSources {
  readonly readiness: () => Readiness
  readonly metrics: { readonly contentType: string; text(): Promise<string> }
  /** Adds what else is served; none if missing. */
  readonly routes?: HttpRoutes | undefined
  /** Hosts that are answered to, beside those of this machine. */
  readonly hosts?: readonly string[]
  /** Those of `LISTENER_BOUNDS` where nothing else is said. */
  readonly bounds?: Partial<ListenerBounds>
  /** Addresses and networks that speak for many, and may have all connections, beside this machine. */
  readonly proxies?: readonly string[]
  /** Told of each request that names another host, and of each connection that finds no place. */
  readonly onRefused?: ((reason: ListenerRefusal) => void) | undefined
  /** Told of each error that is no caller's, with the id that the caller was given. */
  readonly onError?: ((error: unknown, requestId: string) => void) | undefined
}

export type ListenerRefusal = 'misdirected' | 'connections' | 'source_connections'

export interface HttpListener extends AsyncDisposable {
  /** `http://ADDRESS:PORT`, with the port that was really taken. */
  readonly url: string
  readonly port: number
  /**
   * Waits until `signal` aborts.
   * @throws what ended the listener before.
   */
  serve(signal: AbortSignal): Promise<void>
  /** Waits until no request is under way, for at most `ms`, and takes others meanwhile; yields how many were then. */
  idle(ms: number): Promise<number>
  stop(): Promise<void>
}

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Whether nobody on this machine needs a token for it, and everybody else one that is good. */
    isOpenHere?: boolean
  }
}

/**
 * Serves `/healthz` (200 while the process lives), `/readyz` (200, or 503 with `Retry-After`), `/metrics` and `routes`. Only
 * requests that name a host of this machine or one of `hosts` are answered, so that a web page cannot reach it by a name that
 * it made point here (421). Whatever is no answer is a problem: `{ok: false, error, message, request_id}`.
 * @throws SetupError `portInUse` naming the address.
 */
export async function startHttp({ host, port }: HostPort, sources: HttpSources): Promise<HttpListener> {
  let taken = port
  const url = (): string => `http://${inUrl(host)}:${taken}`
  const { app, idle, stop } = createApp({ ...sources, hosts: [...(sources.hosts ?? []), inUrl(host)] }, url)
  try {
    await app.listen({ host, port })
  } catch (error) {
    await stop()
    throw listenError(host, port, error)
  }
  const address = app.server.address()
  taken = typeof address === 'object' && address !== null ? address.port : port
  return {
    url: url(),
    port: taken,
    serve: signal => serving(app.server, signal),
    idle,
    stop,
    [Symbol.asyncDispose]: stop
  }
}

const inUrl = (host: string): string => (host.includes(':') ? `[${host.toLowerCase()}]` : host)

function createApp(sources: HttpSources, url: () => string): Draining & { readonly app: FastifyInstance } {
  const { readiness, metrics, routes, hosts = [], bounds: given, onError, onRefused } = sources
  const bounds = { ...LISTENER_BOUNDS, ...given }
  const answerTo = new Set([...LOOPBACK_HOSTS, ...hosts])
  const room = new BodyRoom(bounds.allBodiesBytes)
  const failed = (error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply => {
    const known = problemOf(error)
    if (known === undefined) onError?.(error, String(request.id))
    return sendProblem(request, reply, known ?? INTERNAL)
  }
  const app = Fastify({
    logger: false,
    genReqId: ({ rawHeaders }) => requestIdOf(rawHeaders),
    bodyLimit: bounds.bodyBytes,
    requestTimeout: LONGEST_REQUEST_MS,
    connectionTimeout: bounds.requestMs,
    keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
    maxRequestsPerSocket: MAX_REQUESTS_PER_SOCKET,
    forceCloseConnections: 'idle',
    return503OnClosing: false,
    clientErrorHandler: answerUnread,
    // No hook has seen these.
    frameworkErrors: (error, request, reply) => {
      const wrong = isForUs(request.raw.rawHeaders, answerTo) ? error : MISDIRECTED
      void failed(wrong, request as FastifyRequest, reply as unknown as FastifyReply)
    },
    http: {
      headersTimeout: bounds.headersMs,
      maxHeaderSize: bounds.headerBytes,
      connectionsCheckingInterval: bounds.checkEveryMs
    }
  })
  boundConnections(app.server, bounds.connections, sources)
  app.server.on('checkExpectation', refuseExpectation)
  const ending = draining(app, bounds.drainMs)
  app.addHook('onRequest', async (request, reply) => {
    reply.header('x-content-type-options', 'nosniff').header(REQUEST_ID_HEADER, request.id)
    if (isForUs(request.raw.rawHeaders, answerTo)) return
    onRefused?.('misdirected')
    throw MISDIRECTED
  })
  // Before anything refuses a request whose body still comes.
  app.addHook('onRequest', async (request, reply) => demandBodyWithin(bounds.requestMs, request, reply))
  app.setErrorHandler(failed)
  const refusal = refusalOfOthers(app)
  app.setNotFoundHandler((request, reply) => sendProblem(request, reply, refusal(request.url)))

  routes?.(app, url)
  // Behind whatever `routes` asks of a request first.
  app.addHook('onRequest', async (request, reply) => room.enter(request, reply))
  const uncharged = { config: { isUncharged: true } }
  app.get('/healthz', uncharged, (_, reply) => reply.header('cache-control', 'no-store').send({ live: true }))
  app.get('/readyz', uncharged, (_, reply) => answerReadiness(reply, readiness()))
  app.get('/metrics', { config: { isUncharged: true, isOpenHere: true } }, async (_, reply) => {
    const text = await metrics.text()
    return reply.header('cache-control', 'no-store').type(metrics.contentType).send(text)
  })
  return { app, ...ending }
}

/** Whatever a connection is about to send, it is counted before a byte of it is read. */
function boundConnections(
  server: FastifyInstance['server'],
  most: number,
  { proxies = [], onRefused }: Pick<HttpSources, 'proxies' | 'onRefused'>
): void {
  server.maxConnections = most
  server.on('drop', () => onRefused?.('connections'))
  const spared = networksOf([...THIS_MACHINE, ...proxies])
  const sources = new SourceConnections(Math.ceil(most / SOURCES_TO_FILL), spared)
  const [serve] = server.listeners('connection')
  server.removeAllListeners('connection').on('connection', (socket: Socket) => {
    const left = sources.enter(socket.remoteAddress)
    if (left !== undefined) {
      socket.once('close', left)
      serve?.call(server, socket)
      return
    }
    onRefused?.('source_connections')
    socket.on('error', () => undefined)
    writeUnread(socket, TOO_MANY_CONNECTIONS, 'Service Unavailable')
  })
}

function answerReadiness(
  reply: FastifyReply,
  { missing, degraded, retryAfterS = RETRY_AFTER_S }: Readiness
): FastifyReply {
  const ready = missing.length === 0
  reply.header('cache-control', 'no-store')
  if (ready) return reply.send({ ready, missing, degraded })
  const wait = Math.max(1, Math.ceil(retryAfterS))
  return reply.code(503).header('retry-after', wait).send({ ready, missing, degraded, retry_after: wait })
}

export const MISDIRECTED = new Problem(
  'misdirected',
  'this hub does not answer to that Host; its operator can add it to gateway.hosts'
)

const UNREAD: Readonly<Record<string, readonly [Problem, string]>> = {
  ERR_HTTP_REQUEST_TIMEOUT: [
    new Problem('request_timeout', 'the request took too long to come'),
    'Request Timeout'
  ],
  HPE_HEADER_OVERFLOW: [
    new Problem('header_oversize', 'the headers are too long'),
    'Request Header Fields Too Large'
  ]
}
const NO_SUCH_EXPECTATION = new Problem('bad_request', 'Expect: only 100-continue is met here', {
  status: 417
})
const TOO_MANY_CONNECTIONS = new Problem(
  'saturated',
  'this address has too many connections open; use those, or come again',
  { headers: { 'retry-after': String(RETRY_AFTER_S) } }
)
const NO_HTTP = [new Problem('bad_request', 'the request is malformed'), 'Bad Request'] as const

/** Node answers these without a body, and no route sees them. */
function refuseExpectation(_: IncomingMessage, response: ServerResponse): void {
  const { headers, body } = unroutable(NO_SUCH_EXPECTATION)
  response.writeHead(NO_SUCH_EXPECTATION.status, headers).end(body)
}

/** The answer to what no route sees; the connection ends with it. */
function unroutable(problem: Problem): { readonly headers: Record<string, string>; readonly body: string } {
  const requestId = requestIdOf([])
  const body = JSON.stringify(problemBody(problem, requestId))
  const headers = {
    ...SECURITY_HEADERS,
    [REQUEST_ID_HEADER]: requestId,
    'content-type': 'application/json; charset=utf-8',
    'content-length': String(Buffer.byteLength(body)),
    connection: 'close',
    ...problem.headers
  }
  return { headers, body }
}

/** What could not be read as a request, or not in time. Nothing is written into an answer that has begun. */
function answerUnread(error: Error, socket: Socket): void {
  const { _httpMessage: begun } = socket as Socket & {
    readonly _httpMessage?: { readonly headersSent?: boolean } | null
  }
  if (errorCode(error) === 'ECONNRESET' || !socket.writable || begun?.headersSent === true)
    return void socket.destroy()
  const [problem, reason] = UNREAD[String(errorCode(error))] ?? NO_HTTP
  writeUnread(socket, problem, reason)
}

function writeUnread(socket: Socket, problem: Problem, reason: string): void {
  const { headers, body } = unroutable(problem)
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
  socket.write(`HTTP/1.1 ${problem.status} ${reason}\r\n${lines.join('')}\r\n${body}`)
  socket.destroySoon()
}

function listenError(host: string, port: number, error: unknown): unknown {
  const code = errorCode(error)
  if (code === 'EADDRINUSE') {
    return new SetupError(
      'portInUse',
      `http.listen: port ${port} on ${host} is taken; stop its owner or set http.listen to another`
    )
  }
  if (code === 'EADDRNOTAVAIL')
    return new SetupError(
      'badAddress',
      `http.listen: this machine has no address ${host}; set http.listen to one that it has`
    )
  return systemError(`http.listen ${host}:${port}`, error)
}
