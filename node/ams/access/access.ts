import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { OapError } from '../../../protocols/index.ts'
import { Problem, sendProblem } from '../../http/problem.ts'
import type { Networks } from './addresses.ts'
import { ANONYMOUS } from './caller.ts'
import { clientAddress } from './client-address.ts'
import { headerLines } from './header-lines.ts'
import { LOOPBACK_HOSTS, isForUs } from './host-rule.ts'
import { TOKEN_NEEDED, anonymousRole, identify, roleRefusal } from './identify.ts'
import type { Identified, KnownCallers } from './identify.ts'
import { isSafeMethod, isVisit, originOf } from './origin-rule.ts'
import type { FromOrigin } from './origin-rule.ts'
import { presentedToken } from './presented-token.ts'
import { rateFields, tooMany } from './rate-fields.ts'
import type { AccessRefusal, AccessRefusalCode } from './refusal.ts'
import { REQUEST_ID_HEADER, requestIdOf } from './request-id.ts'
import type { RequestLimits } from './request-limits.ts'
import type { Role } from './roles.ts'
import { PREFLIGHT_HEADERS, SECURITY_HEADERS, corsHeaders } from './security-headers.ts'

export interface AccessOptions {
  /** Hosts that are answered to. */
  readonly hosts: ReadonlySet<string>
  /** Origins whose pages may read and write here; none for no page but our own. */
  readonly origins: ReadonlySet<string>
  /** Proxies that are believed when they say who asks. */
  readonly proxies: Networks
  /** Who is known at this moment, and what others may do. */
  readonly known: () => KnownCallers
  /** None where nothing is limited. */
  readonly limits: RequestLimits | undefined
  readonly tenant: string
  readonly app: string
  /**
   * Admits a request that needs a role, as calls over OAP are admitted: yields why it must wait, or what is told of its end
   * the bytes that it took beside those it was said to. Everything is admitted if missing.
   */
  readonly admit?: (asked: Admitting) => OapError | ((bytes: number) => void)
  /** Milliseconds that never go back. */
  readonly now: () => number
  /** Whether a route, by its pattern, is one that this lets callers in to; every one if missing, and what is no route. */
  readonly isOurs?: (pattern: string | undefined) => boolean
  /** Told of each request that is not let in. */
  readonly onRefusal: (code: AccessRefusalCode) => void
}

/** Who asks for what, once that is known to be allowed. */
export interface Admitting extends Pick<Identified, 'caller' | 'isKnown' | 'token'> {
  readonly role: Role
  /** Of the client, as `parseIp` gives it, or `local`. */
  readonly ip: string
  /** Of its body, as far as it says. */
  readonly bytes: number
}

declare module 'fastify' {
  interface FastifyRequest {
    /** Where the request comes from: an IP address, or `local`. */
    clientIp: string
  }

  interface FastifyContextConfig {
    /** Whether requests are charged to no bucket, as health is. */
    isUncharged?: boolean
  }
}

/**
 * Lets callers in to the routes of an app, before their body is read: 421 for another host, 403 for what a page of
 * another site asks, 401 for a token that is not good, 429 beyond the limits, 401 or 403 for a role that is too low, and what `admit` says. Sets `caller`,
 * `clientIp` and `id` of each request, and the security headers of each answer. To be called before the routes are added.
 * @see specs/ams.md
 */
export const createAccess =
  (options: AccessOptions) =>
  (app: FastifyInstance): void => {
    app.setGenReqId(({ rawHeaders }) => requestIdOf(rawHeaders))
    app.decorateRequest('caller')
    app.decorateRequest('clientIp', '')
    app.addHook('onRequest', async (request, reply) => {
      if (options.isOurs?.(request.routeOptions.url) === false) return undefined
      reply.headers(SECURITY_HEADERS).header(REQUEST_ID_HEADER, request.id)
      return letIn(options, request, reply)
    })
    // A body can be long on its way, and what callers without a token may do can end meanwhile.
    app.addHook('preHandler', async (request, reply) => {
      if (request.caller?.name !== ANONYMOUS) return undefined
      request.caller = { ...request.caller, role: anonymousRole(options.known()) }
      const asked = { caller: request.caller, isKnown: false }
      const tooLow = roleRefusal(asked, neededRole(request))
      return tooLow && refuse(options, request, reply, tooLow)
    })
  }

async function letIn(options: AccessOptions, request: FastifyRequest, reply: FastifyReply): Promise<unknown> {
  const { rawHeaders } = request.raw
  if (!isForUs(rawHeaders, options.hosts)) return refuse(options, request, reply, MISDIRECTED)
  if (!request.url.startsWith('/')) return refuse(options, request, reply, BAD_TARGET)
  const forwardedFor = headerLines(rawHeaders, 'x-forwarded-for')
  request.clientIp = clientAddress(request.socket.remoteAddress, forwardedFor, options.proxies)

  const from = originOf(rawHeaders, options.origins)
  if (from === 'listed') reply.headers(corsHeaders(request.headers.origin!))
  // Not counted, so that no page uses up what the person before it may ask.
  if (from === 'foreign' && !isVisit(request.method, rawHeaders))
    return refuse(options, request, reply, FOREIGN_ORIGIN)

  const asked = whoAsks(options, request)
  if ('code' in asked) return refuse(options, request, reply, asked)
  const refusal = charge(options, request, reply, asked)
  if (refusal !== undefined) return refuse(options, request, reply, refusal)
  request.caller = asked.caller
  if (isPreflight(request, from)) return reply.code(204).headers(PREFLIGHT_HEADERS).send()
  const tooLow =
    roleRefusal(asked, neededRole(request)) ??
    needsToken(asked, request) ??
    admission(options, request, reply, asked)
  return tooLow && refuse(options, request, reply, tooLow)
}

/**
 * Where a source has shown too many tokens that are not good, a short one that is good is refused like them. Others are not:
 * nobody finds them by trying, and whoever shares an address with one who tries would be kept out.
 */
function whoAsks({ limits, known, now }: AccessOptions, request: FastifyRequest): Identified | AccessRefusal {
  const presented = presentedToken(request.raw.rawHeaders)
  const shows = 'problem' in presented || presented.token !== undefined
  const { takesCapabilities: isAnyTaken = false } = request.routeOptions.config
  if (!shows || (neededRole(request) === 'none' && !isAnyTaken))
    return identify({ token: undefined }, known())
  const identified = identify(presented, known(), { isAnyTaken })
  const spent =
    'code' in identified
      ? limits?.tokenFailed(request.clientIp, now())
      : identified.isGuessable
        ? limits?.guessRefusal(request.clientIp, now())
        : undefined
  return spent === undefined ? identified : tooMany(spent)
}

function charge(
  { limits, tenant, app, now }: AccessOptions,
  request: FastifyRequest,
  reply: FastifyReply,
  { caller, isKnown }: Identified
): AccessRefusal | undefined {
  if (limits === undefined || request.routeOptions.config.isUncharged === true) return undefined
  const { spent, levels } = limits.admit(
    {
      ip: request.clientIp,
      agent: request.headers['user-agent'] ?? '',
      kind: isSafeMethod(request.method) ? 'read' : 'write',
      isKnown,
      tenant,
      app,
      token: caller.name
    },
    now()
  )
  if (spent !== undefined) return tooMany(spent)
  reply.headers(rateFields(levels))
  return undefined
}

/** Calls of OAP are admitted where they are made, and what needs no role costs its tenant nothing. */
function admission(
  { admit }: AccessOptions,
  { raw, headers, clientIp, routeOptions }: FastifyRequest,
  reply: FastifyReply,
  { caller, isKnown, token }: Identified
): AccessRefusal | undefined {
  const { role = 'none', takesCapabilities = false, isUncharged = false } = routeOptions.config
  if (admit === undefined || role === 'none' || takesCapabilities || isUncharged) return undefined
  const bytes = Math.min(Number(headers['content-length'] ?? 0), routeOptions.bodyLimit ?? 0)
  const admitted = admit({ caller, isKnown, token, role, ip: clientIp, bytes })
  if (admitted instanceof OapError) return refusalOf(admitted)
  const { socket } = raw
  const { bytesRead, bytesWritten } = socket
  const isUnsaid = headers['transfer-encoding'] !== undefined
  reply.raw.once('close', () =>
    admitted(socket.bytesWritten - bytesWritten + (isUnsaid ? socket.bytesRead - bytesRead : 0))
  )
  return undefined
}

function refusalOf({ code, message, status, retryAfterMs = 1000 }: OapError): AccessRefusal {
  const retryAfterS = Math.max(1, Math.ceil(retryAfterMs / 1000))
  return {
    code: code as AccessRefusalCode,
    message,
    headers: { 'retry-after': String(retryAfterS) },
    ...(status === 429 && { members: { retry_after_sec: retryAfterS } })
  }
}

const neededRole = (request: FastifyRequest): Role => {
  const { role = 'none', isOpenHere = false } = request.routeOptions.config
  return isOpenHere && !isFromHere(request) ? 'read' : role
}

/** What is open to this machine is open to nobody else without a token, whatever anybody may read. */
const needsToken = ({ isKnown }: Identified, request: FastifyRequest): AccessRefusal | undefined =>
  !isKnown && neededRole(request) !== 'none' && request.routeOptions.config.isOpenHere === true
    ? TOKEN_NEEDED
    : undefined

/** Whether a program of this machine asks, and no proxy on it for somebody else. */
const isFromHere = ({ raw, clientIp }: FastifyRequest): boolean =>
  HERE.test(clientIp) &&
  isForUs(raw.rawHeaders, new Set(LOOPBACK_HOSTS)) &&
  PROXY_HEADERS.every(name => headerLines(raw.rawHeaders, name).length === 0)

const HERE = /^(?:127\.[\d.]+|::1|local)$/
const PROXY_HEADERS = ['x-forwarded-for', 'forwarded', 'via']

const isPreflight = ({ method, headers }: FastifyRequest, from: FromOrigin): boolean =>
  method === 'OPTIONS' && from === 'listed' && headers['access-control-request-method'] !== undefined

function refuse(
  { onRefusal }: AccessOptions,
  request: FastifyRequest,
  reply: FastifyReply,
  { code, message, headers, members }: AccessRefusal
): FastifyReply {
  onRefusal(code)
  return sendProblem(request, reply, new Problem(code, message, { headers, members }))
}

const MISDIRECTED: AccessRefusal = {
  code: 'misdirected',
  message: 'this hub does not answer to that Host; its operator can add it to gateway.hosts'
}
const BAD_TARGET: AccessRefusal = {
  code: 'bad_request',
  message: 'the target of a request must be a path: /ams/v1/envelopes'
}
const FOREIGN_ORIGIN: AccessRefusal = {
  code: 'origin_denied',
  message: 'pages of that origin may neither read nor write here; the operator can add it to gateway.origins'
}
