import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import type { HostPort } from './config/index.ts'
import { serving } from './listener/serving.ts'
import { SetupError, errorCode, systemError } from './setup-error.ts'

const MAX_CONNECTIONS = 64
const REQUEST_TIMEOUT_MS = 10_000
const HEADERS_TIMEOUT_MS = 5000
const KEEP_ALIVE_TIMEOUT_MS = 5000
const MAX_REQUESTS_PER_SOCKET = 1000
const BODY_LIMIT_BYTES = 1024
const MAX_HEADER_BYTES = 8192
const RETRY_AFTER_S = 1

/** Whether a node takes calls, and why not. Ready means that nothing is missing. */
export interface Readiness {
  /** Names of parts that a call cannot do without. */
  readonly missing: readonly string[]
  /** Names of parts that run with less than they should have. */
  readonly degraded: readonly string[]
  /** Whole seconds until it is worth asking again; 1 unless known better. */
  readonly retryAfterS?: number
}

export interface HttpSources {
  readonly readiness: () => Readiness
  readonly metrics: { readonly contentType: string; text(): Promise<string> }
  /** Adds what else is served; none if missing. */
  readonly routes?: ((app: FastifyInstance, url: () => string) => void) | undefined
}

export interface HttpListener extends AsyncDisposable {
  /** `http://ADDRESS:PORT`, with the port that was really taken. */
  readonly url: string
  readonly port: number
  /**
   * Waits until `signal` aborts.
   * @throws what ended the listener before.
   */
  serve(signal: AbortSignal): Promise<void>
  stop(): Promise<void>
}

/**
 * Serves `/healthz` (200 while the process lives), `/readyz` (200, or 503 with `Retry-After`), `/metrics` and `routes` to
 * this machine. Only requests that name a loopback host are answered, so that a web page cannot reach it by a name that
 * it made point here (421). Bounds: 64 connections, 8 KiB of headers within 5 s, a whole request within 10 s.
 * @throws SetupError `portInUse` naming the address.
 */
export async function startHttp({ host, port }: HostPort, sources: HttpSources): Promise<HttpListener> {
  let taken = port
  const url = (): string => `http://${host.includes(':') ? `[${host}]` : host}:${taken}`
  const app = createApp(sources, url)
  try {
    await app.listen({ host, port })
  } catch (error) {
    await app.close()
    throw listenError(host, port, error)
  }
  const address = app.server.address()
  taken = typeof address === 'object' && address !== null ? address.port : port
  const stop = () => app.close()
  return {
    url: url(),
    port: taken,
    serve: signal => serving(app.server, signal),
    stop,
    [Symbol.asyncDispose]: stop
  }
}

function createApp({ readiness, metrics, routes }: HttpSources, url: () => string): FastifyInstance {
  const app = Fastify({
    logger: false,
    bodyLimit: BODY_LIMIT_BYTES,
    requestTimeout: REQUEST_TIMEOUT_MS,
    connectionTimeout: REQUEST_TIMEOUT_MS,
    keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
    maxRequestsPerSocket: MAX_REQUESTS_PER_SOCKET,
    forceCloseConnections: true,
    return503OnClosing: false,
    frameworkErrors: (error, _, reply) => void failAs(reply as unknown as FastifyReply, error),
    http: { headersTimeout: HEADERS_TIMEOUT_MS, maxHeaderSize: MAX_HEADER_BYTES }
  })
  app.server.maxConnections = MAX_CONNECTIONS
  app.addHook('onRequest', refuseForeignHost)
  app.addHook('onRequest', async (_, reply) => void reply.header('x-content-type-options', 'nosniff'))
  app.setNotFoundHandler((_, reply) =>
    fail(reply, 404, 'not_found', 'here are /healthz, /readyz and /metrics')
  )
  app.setErrorHandler((error, _, reply) => failAs(reply, error))

  app.get('/healthz', (_, reply) => reply.header('cache-control', 'no-store').send({ live: true }))
  app.get('/readyz', (_, reply) => answerReadiness(reply, readiness()))
  app.get('/metrics', async (_, reply) => {
    const text = await metrics.text()
    return reply.header('cache-control', 'no-store').type(metrics.contentType).send(text)
  })
  routes?.(app, url)
  return app
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

const LOOPBACK_HOST = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::\d{1,5})?$/i

async function refuseForeignHost(request: FastifyRequest, reply: FastifyReply): Promise<void> {
  if (LOOPBACK_HOST.test(request.headers.host ?? '')) return
  await fail(reply, 421, 'misdirected', 'this listener answers to localhost only')
}

function failAs(reply: FastifyReply, error: unknown): FastifyReply {
  const status = error instanceof Error && 'statusCode' in error ? Number(error.statusCode) : 500
  if (status >= 400 && status < 500) return fail(reply, status, 'bad_request', 'the request is malformed')
  return fail(reply, 500, 'internal', 'internal error')
}

function fail(reply: FastifyReply, status: number, code: string, message: string): FastifyReply {
  return reply.code(status).header('x-content-type-options', 'nosniff').send({ code, message })
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
