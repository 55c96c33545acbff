import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { OAP_PROTOCOL, OapError, parseCid } from '../../protocols/index.ts'
import type { Cid, ReadAhead } from '../../protocols/index.ts'
import type { BlockLease } from '../stores/blobs/index.ts'
import { INTERNAL, problemOf, sendProblem } from '../http/index.ts'
import type { Problem } from '../http/index.ts'
import { acceptedTypes } from './accept.ts'
import { answerBlob } from './answer-blob.ts'
import type { Bodies } from './bodies.ts'
import { inTurn } from '../socket-turns.ts'
import { answerProbe, isProbe } from './probe.ts'
import { recordOf } from './provider-record.ts'
import type { Self } from './provider-record.ts'
import { NOT_FOUND, Refusal } from './refusal.ts'
import { wantedOf } from './wanted.ts'
import type { Query } from './wanted.ts'

/** What a gateway stands on. */
export interface GatewayOptions {
  /** The block, if a public root reaches it; it must cost the same whether it is hidden or not there. */
  readonly openPublic: (id: Cid) => Promise<BlockLease | undefined>
  readonly bodies: Bodies
  /** Room for leaves that are read before they are due. */
  readonly room: ReadAhead
  /** Why nothing is answered at this moment, if it is not. */
  readonly refusal: () => OapError | undefined
  /** Counts a request; yields the milliseconds to wait where there were too many. */
  readonly charge: () => number
  /** This node as others reach it. */
  readonly self: () => Self
  /** Told of each error that is no caller's. */
  readonly onError: (error: unknown) => void
  /** Told of the status of each answer. */
  readonly onAnswer: (status: number) => void
}

const BLOBS = '/ipfs/'
const PROVIDERS = '/routing/v1/providers/'
const METHODS = ['GET', 'HEAD']
/** How long what was said of providers may be kept, in seconds. */
const SOME_FOR_S = 300
const NONE_FOR_S = 15

/** Public blobs for IPFS tools: a trustless gateway, and who has them. @see specs/storage.md, section 13 */
export const gateway =
  (options: GatewayOptions) =>
  (app: FastifyInstance): void => {
    const route = (url: string, answer: Answer): void => {
      app.route({
        method: METHODS,
        url: `${url}*`,
        exposeHeadRoute: false,
        handler: (request, reply) =>
          inTurn(request.raw.socket, () => answered(options, request, reply, answer))
      })
    }
    app.addHook('onRequest', refuseOtherMethods)
    app.addHook('onResponse', async ({ url }, { statusCode }) => {
      if (isOurs(url)) options.onAnswer(statusCode)
    })
    route(BLOBS, blob)
    route(PROVIDERS, providers)
  }

type Answer = (options: GatewayOptions, request: FastifyRequest, reply: FastifyReply) => Promise<unknown>

async function answered(
  options: GatewayOptions,
  request: FastifyRequest,
  reply: FastifyReply,
  answer: Answer
): Promise<unknown> {
  try {
    const refusal = options.refusal()
    if (refusal !== undefined) throw refusal
    const retryAfterMs = options.charge()
    if (retryAfterMs > 0) throw new OapError('quota_peer', 'too many requests', { retryAfterMs })
    return await answer(options, request, reply)
  } catch (error) {
    if (reply.raw.headersSent) return options.onError(error)
    const problem = problemOf(error)
    if (problem === undefined) options.onError(error)
    return refuse(request, reply, problem ?? INTERNAL)
  }
}

/** `/ipfs/{cid}` */
async function blob(options: GatewayOptions, request: FastifyRequest, reply: FastifyReply): Promise<unknown> {
  const [text = '', ...path] = pathOf(request)
  const wanted = () => wantedOf(request.query as Query, request.headers.accept)
  if (isProbe(text) && path.length === 0) return answerProbe(reply, wanted(), request.method)
  const cid = parseCid(text)
  const asked = wanted()
  // Blobs are files: nothing lies below them.
  using lease = path.length > 0 ? undefined : await options.openPublic(cid)
  if (lease === undefined) throw isOnlyIfCached(request) ? NOT_CACHED() : NOT_FOUND()
  const { bodies, room } = options
  return await answerBlob({ request, reply, bodies, room, cid, lease, wanted: asked })
}

/** `/routing/v1/providers/{cid}` */
async function providers(
  options: GatewayOptions,
  request: FastifyRequest,
  reply: FastifyReply
): Promise<unknown> {
  const path = pathOf(request)
  if (path.length > 1) throw new Refusal(404, 'not_found', 'nothing lies below a content id')
  const cid = cidOfProviders(path[0]!)
  using lease = cid && (await options.openPublic(cid))
  const found = lease === undefined ? [] : [recordOf(options.self(), OAP_PROTOCOL)]
  const isStreamed = acceptedTypes(request.headers.accept ?? '').some(({ type }) => type === NDJSON)
  return await reply
    .header('cache-control', `public, max-age=${found.length > 0 ? SOME_FOR_S : NONE_FOR_S}`)
    .header('vary', 'Accept')
    .type(isStreamed ? NDJSON : 'application/json')
    .send(
      isStreamed
        ? found.map(record => `${JSON.stringify(record)}\n`).join('')
        : JSON.stringify({ Providers: found })
    )
}

const NDJSON = 'application/x-ndjson'

/** Undefined for one that is sound and none of ours: nobody here has it. @throws Refusal 422 for what is none */
function cidOfProviders(text: string): Cid | undefined {
  try {
    return parseCid(text)
  } catch (error) {
    if (error instanceof OapError && error.code === 'unsupported_cid') return undefined
    throw new Refusal(422, 'bad_cid', (error as Error).message)
  }
}

/** Whatever is sent along is not read. */
async function refuseOtherMethods(request: FastifyRequest, reply: FastifyReply): Promise<void> {
  const { url, method } = request
  if (!isOurs(url) || METHODS.includes(method)) return
  const allow = { allow: METHODS.join(', '), connection: 'close' }
  await refuse(
    request,
    reply,
    new Refusal(405, 'method_not_allowed', 'GET and HEAD are answered here', allow)
  )
}

const isOurs = (url: string): boolean => url.startsWith(BLOBS) || url.startsWith(PROVIDERS)

const pathOf = ({ params }: FastifyRequest): string[] => (params as { readonly '*': string })['*'].split('/')

const isOnlyIfCached = ({ headers }: FastifyRequest): boolean =>
  /(?:^|[\s,])only-if-cached(?:$|[\s,])/i.test(headers['cache-control'] ?? '')

const NOT_CACHED = (): Refusal => new Refusal(412, 'not_found', 'nothing public here has this content id')

function refuse(request: FastifyRequest, reply: FastifyReply, problem: Problem): FastifyReply {
  const isLater = problem.status === 429 || problem.status === 503
  if (isLater) reply.header('connection', 'close')
  return sendProblem(request, reply, problem)
}
