import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { tokenBytes } from '../../protocols/index.ts'
import type { OapError } from '../../protocols/index.ts'
import { sourceOf } from '../ams/access/addresses.ts'
import { LOCAL } from '../ams/access/client-address.ts'
import { presentedToken } from '../ams/access/presented-token.ts'
import { ANONYMOUS } from '../ams/access/index.ts'
import type { Caller } from '../ams/access/index.ts'
import { traceparentOf } from '../http/index.ts'
import { giveWhole } from '../ams/routes/give-whole.ts'
import { Problem, demandRole } from '../ams/routes/problem.ts'
import { readQuery } from '../ams/routes/query.ts'
import type { Effect } from '../guards/shed.ts'
import { INTERNAL, otherMethod, sendProblem } from '../http/index.ts'
import { inTurn } from '../socket-turns.ts'
import { bodyPieces, oversize } from './body-pieces.ts'
import { callProblem } from './call-problem.ts'
import type { Asker, CallParts } from './parts.ts'
import type { CallAnswer, CallAsked, CallRoute } from './route.ts'
import { sendPieces } from './send-pieces.ts'
import { needsToken } from './stand-in.ts'
import { CALL_ROOTS, CALL_ROUTES, methodsAt } from './table.ts'

const NOBODY: Caller = { role: 'none', name: ANONYMOUS, isModerator: false }
const OF_CAPABILITY = 'cap:'

/**
 * Serves mailbox, storage and audit log over HTTP: each row of the table as a call to a service of this node, judged by the
 * guards that judge calls of peers; 405 with `Allow` for other methods, and 404 for all else below the same roots. Every
 * answer that is none is `{ok: false, error, message, request_id}`. Who asks is found out by `createAccess`, called before.
 * @see specs/http.md
 */
export const callRoutes =
  (parts: CallParts) =>
  (app: FastifyInstance): void => {
    const scoped = (isStreamed: boolean) => async (scope: FastifyInstance) => {
      scope.removeAllContentTypeParsers()
      if (isStreamed) scope.addContentTypeParser('*', (_, body, done) => done(null, body))
      else scope.addContentTypeParser('*', { parseAs: 'buffer' }, (_, body, done) => done(null, body))
      scope.setErrorHandler((error, request, reply) => refuse(parts, request, reply, error))
      for (const route of CALL_ROUTES)
        if ((route.isStreamed === true) === isStreamed) serve(scope, parts, route)
      if (isStreamed) return
      for (const root of CALL_ROOTS) {
        const taken = methodsAt(`${root}{any}`)
        const method = scope.supportedMethods.filter(each => !taken.includes(each))
        const config = { isRefusal: true }
        scope.route({ method, url: `${root}*`, config, onRequest: refuseUnknown, handler: () => undefined })
      }
    }
    void app.register(scoped(false))
    void app.register(scoped(true))
  }

function serve(scope: FastifyInstance, parts: CallParts, route: CallRoute): void {
  const { method, path, maxBodyBytes } = route
  scope.route({
    method,
    // A name in a path may be longer than the router lets its own parameters be.
    url: path.replace(/\{\w+\}$/, '*'),
    bodyLimit: Math.max(1, maxBodyBytes),
    config: { takesCapabilities: true, isStreamed: route.isStreamed === true },
    onRequest: async (request, reply) => {
      const asker = askerOf(parts, request, route)
      if (asker.cap === undefined && !parts.isOpen(route.verb)) demandRole(asker.caller, route.role)
      const shed = parts.shed(route.effect ?? READS, sharerOf(request))
      if (shed !== undefined) return refuseShed(parts, request, reply, shed)
      // Before anything is waited for, so that a token that goes meanwhile takes the request with it.
      hold(parts, request, reply, route.effect?.writes === true)
      if ((request.headers['content-encoding'] ?? 'identity') !== 'identity')
        throw new Problem('unsupported_media_type', 'Content-Encoding: send the body as it is')
      const length = Number(request.headers['content-length'] ?? 0)
      if (route.isStreamed === true && length > parts.maxBlobBytes) throw oversize(parts.maxBlobBytes)
      return undefined
    },
    handler: async (request, reply) => {
      const query = readQuery(route.query, request.query as Readonly<Record<string, unknown>>)
      // The request is here, or comes under a bound of its own; what it waits for is the call's business.
      request.raw.socket.setTimeout?.(0)
      await inTurn(request.raw.socket, async () => {
        const asked = askedOf(parts, request, reply, { route, query })
        await give(parts, reply, await route.answer(parts, asked))
      })
    }
  })
}

const READS: Effect = {}

/** Who has a share of what is done under load: a token, or an address without one. */
const sharerOf = (request: FastifyRequest): string => {
  const { name } = callerOf(request)
  return `http ${name === ANONYMOUS ? sourceOf(request.clientIp ?? LOCAL) : name}`
}

/** Without an error on its way, whose trace would cost more than the answer. */
function refuseShed(
  { onProblem, onShed }: CallParts,
  request: FastifyRequest,
  reply: FastifyReply,
  refusal: OapError
): FastifyReply {
  const { code, message, status, retryAfterMs = 1000 } = refusal
  onProblem(code)
  onShed(refusal)
  const headers = { 'retry-after': String(Math.max(1, Math.ceil(retryAfterMs / 1000))) }
  return sendProblem(request, reply, { code, message, status, headers, members: {} })
}

declare module 'fastify' {
  interface FastifyRequest {
    /** What ends a call: its reader, or its token. */
    gone?: AbortController
  }
}

/** Made once: a trace of each would cost more than the request. */
const READER_GONE = new DOMException('the caller is gone', 'AbortError')

function hold({ open }: CallParts, request: FastifyRequest, reply: FastifyReply, writes: boolean): void {
  const gone = new AbortController()
  request.gone = gone
  const release = open.add(callerOf(request), gone, writes)
  reply.raw.once('close', () => {
    release()
    if (!reply.raw.writableFinished) gone.abort(READER_GONE)
  })
}

const callerOf = ({ caller }: { readonly caller?: Caller }): Caller => caller ?? NOBODY

/** Who reads the audit log where anybody may. */
const ANY_READER: Caller = { role: 'admin', name: 'any-reader', isModerator: false }

function askerOf({ isAuditPublic }: CallParts, request: FastifyRequest, { verb }: CallRoute): Asker {
  const caller = callerOf(request)
  if (caller.name.startsWith(OF_CAPABILITY)) {
    const shown = presentedToken(request.raw.rawHeaders)
    if ('token' in shown && shown.token !== undefined) return { caller, cap: tokenBytes(shown.token) }
  }
  if (isAuditPublic && verb === 'audit:read') return { caller: ANY_READER, cap: undefined }
  // What anybody may write is not anybody's to read, or to take away.
  const isTooMuch = caller.name === ANONYMOUS && needsToken(verb)
  return { caller: isTooMuch ? NOBODY : caller, cap: undefined }
}

function askedOf(
  parts: CallParts,
  request: FastifyRequest,
  reply: FastifyReply,
  { route, query }: { readonly route: CallRoute; readonly query: unknown }
): CallAsked {
  const asker = askerOf(parts, request, route)
  const { '*': name = '' } = request.params as { readonly '*'?: string }
  const gone = request.gone!
  // It can have left while others of its connection had their turn.
  if (reply.raw.destroyed) gone.abort(READER_GONE)
  const traceparent = traceparentOf(request.headers)
  const trace = traceparent === undefined ? {} : { trace: traceparent }
  const { maxBlobBytes: maxBytes, stallMs, clock } = parts
  return {
    name,
    query,
    search: request.url.includes('?') ? request.url.slice(request.url.indexOf('?')) : '',
    body: Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0),
    pieces: bodyPieces(request.raw, { maxBytes, stallMs, clock }),
    header: header => request.headers[header]?.toString(),
    isHead: request.method === 'HEAD',
    requestId: String(request.id),
    caller: asker.caller,
    calls: parts.callsOf(asker),
    options: { signal: gone.signal, ...trace }
  }
}

async function give(
  parts: CallParts,
  reply: FastifyReply,
  { status, body, bytes, headers }: CallAnswer
): Promise<void> {
  reply.code(status).headers({ 'cache-control': 'no-store', ...headers })
  if (bytes === undefined) await giveWhole(parts, reply, body && { ok: true, ...body })
  else await sendPieces(parts, reply, bytes)
}

/** What is none of the table; whatever is sent along is not read. */
async function refuseUnknown({ url }: FastifyRequest): Promise<void> {
  const methods = methodsAt(url.split(/[?#]/, 1)[0]!)
  throw methods.length === 0 ? new Problem('not_found', 'nothing is here') : otherMethod(methods)
}

function refuse(
  { onProblem, onError }: CallParts,
  request: FastifyRequest,
  reply: FastifyReply,
  error: unknown
): FastifyReply {
  const known = callProblem(error)
  if (known === undefined && !reply.raw.destroyed) onError(error, String(request.id))
  const problem = known ?? INTERNAL
  onProblem(problem.code)
  return sendProblem(request, reply, problem)
}
