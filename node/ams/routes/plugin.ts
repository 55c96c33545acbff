import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { ANONYMOUS } from '../access/caller.ts'
import type { Caller } from '../access/caller.ts'
import { LOCAL } from '../access/client-address.ts'
import type { Role } from '../access/roles.ts'
import { INTERNAL, otherMethod, sendProblem, traceparentOf } from '../../http/index.ts'
import type { RouteRow } from '../../http/index.ts'
import { inTurn } from '../../socket-turns.ts'
import { giveBytes } from './give-bytes.ts'
import { giveWhole } from './give-whole.ts'
import { isJsonType } from './body.ts'
import type { AmsParts } from './parts.ts'
import { Problem, demandRole, problemOf } from './problem.ts'
import { readQuery } from './query.ts'
import type { AmsRoute, Answer, Asked } from './route.ts'
import { ADMIN_ROOTS, ADMIN_ROUTES, AMS_ROOTS, AMS_ROUTES, methodsAt } from './table.ts'
import type { RowAt } from './table.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The row of a table that the route is. */
    row?: RouteRow
  }
}

/** Status of a request whose caller did not wait. */
const LEFT = 499

const NOBODY: Caller = { role: 'none', name: ANONYMOUS, isModerator: false }

/** Serves the AMS surface: below `/ams/v1/`, `/notary/v1/` and `/room/v1/`. */
export const amsRoutes = (options: AmsParts) => serveRows(AMS_ROUTES, AMS_ROOTS, options)

/** Serves what only the operator may call, below `/admin/v1/`, and `more`; `others` are rows there that others serve. */
export const adminRoutes = (
  options: AmsParts,
  more: readonly AmsRoute[] = [],
  others: readonly RowAt[] = []
) => serveRows([...ADMIN_ROUTES, ...more], ADMIN_ROOTS, options, others)

/**
 * Serves each row, 405 with `Allow` for its other methods, and 404 for all else below the roots. Bodies are cut off where
 * the row's bound ends. Requests of one connection are answered one after the other, each once the answer before it has left,
 * so that a caller who reads nothing has one answer waiting. Every answer that is none is `{ok: false, error, message, request_id}`. Who asks is found out by
 * `createAccess`, called before; without it every route that is not for anybody is closed.
 */
export const serveRows =
  (rows: readonly AmsRoute[], roots: readonly string[], options: AmsParts, others: readonly RowAt[] = []) =>
  (app: FastifyInstance): void => {
    void app.register(async scope => {
      scope.removeAllContentTypeParsers()
      scope.addContentTypeParser('*', { parseAs: 'buffer' }, (_, body, done) => done(null, body))
      scope.setErrorHandler((error, request, reply) => refuse(options, request, reply, error))
      for (const row of rows) serve(scope, options, row)
      const onRequest = async ({ url }: FastifyRequest): Promise<void> =>
        refuseUnknown([...rows, ...others], url)
      for (const root of roots)
        scope.all(`${root}*`, { onRequest, config: { isRefusal: true } }, () => undefined)
    })
  }

function serve(scope: FastifyInstance, options: AmsParts, route: AmsRoute): void {
  const { method, path, role, maxBodyBytes, isUncharged = false } = route
  scope.route({
    method,
    // A name in a path may be longer than the router lets its own parameters be.
    url: path.replace(/\{\w+\}$/, '*'),
    bodyLimit: Math.max(1, maxBodyBytes),
    config: { role, isUncharged, row: route },
    onRequest: async (request, reply) => {
      count(options, route, reply)
      demand(options, callerOf(request), role)
      if (route.takes === 'json' && !isJsonType(request.headers['content-type']))
        throw new Problem('unsupported_media_type', 'Content-Type: give application/json')
      if ((request.headers['content-encoding'] ?? 'identity') !== 'identity')
        throw new Problem('unsupported_media_type', 'Content-Encoding: send the body as it is')
    },
    handler: async (request, reply) => {
      const asked = askedOf(options, request, route)
      await inTurn(request.raw.socket, async () => {
        // Whoever has left meanwhile asks for nothing any more.
        if (reply.raw.destroyed) return void reply.hijack()
        await give(options, reply, await route.answer(options, asked))
      })
    }
  })
}

/** A request ends with its answer, or with whoever waits for that. */
function count({ onBegun }: AmsParts, route: AmsRoute, { raw }: FastifyReply): void {
  const ended = onBegun?.(route)
  if (ended === undefined) return
  raw.once('close', () => ended(raw.writableFinished ? raw.statusCode : LEFT))
}

const callerOf = ({ caller }: { readonly caller?: Caller }): Caller => caller ?? NOBODY

/** @throws Problem, or OapError while the node sheds what this would be. */
function demand({ refusal }: AmsParts, caller: Caller, role: Role): void {
  demandRole(caller, role)
  const shed = refusal(role === 'write' ? 'write' : 'read')
  if (role !== 'none' && shed !== undefined) throw shed
}

function askedOf(parts: AmsParts, request: FastifyRequest, { query }: AmsRoute): Asked {
  const caller = callerOf(request)
  const { '*': name = '' } = request.params as { readonly '*'?: string }
  return {
    name,
    query: readQuery(query, request.query as Readonly<Record<string, unknown>>),
    body: Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0),
    contentType: request.headers['content-type'],
    ifNoneMatch: request.headers['if-none-match'],
    caller,
    ip: request.clientIp ?? LOCAL,
    requestId: String(request.id),
    trace: traceparentOf(request.headers),
    needs: role => demand(parts, caller, role)
  }
}

async function give(
  parts: AmsParts,
  reply: FastifyReply,
  { status, body, text, bytes, headers }: Answer
): Promise<void> {
  reply.code(status).headers({ 'cache-control': 'no-store', ...headers })
  if (bytes === undefined) await giveWhole(parts, reply, text ?? body)
  else await giveBytes(parts, reply, bytes)
}

/** What is none of the table; whatever is sent along is not read. */
function refuseUnknown(rows: readonly RowAt[], url: string): void {
  const methods = methodsAt(pathOf(url), rows)
  throw methods.length === 0 ? new Problem('not_found', 'nothing is here') : otherMethod(methods)
}

const pathOf = (url: string): string => url.split(/[?#]/, 1)[0]!

function refuse(
  { onProblem, onError }: AmsParts,
  request: FastifyRequest,
  reply: FastifyReply,
  error: unknown
): FastifyReply {
  const known = problemOf(error)
  if (known === undefined) onError(error, String(request.id))
  const problem = known ?? INTERNAL
  onProblem(problem.code)
  return sendProblem(request, reply, problem)
}
