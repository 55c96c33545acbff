import type { FastifyReply } from 'fastify'
import { sourceOf } from '../ams/access/addresses.ts'
import { ANONYMOUS } from '../ams/access/index.ts'
import type { Caller } from '../ams/access/index.ts'
import { Problem } from '../ams/routes/problem.ts'
import { ReaderGone } from '../gateway/bodies.ts'
import type { CallParts } from './parts.ts'
import type { Outgoing } from './route.ts'

/** How long a connection is silent before the system asks whether the other side is there. */
const KEEP_ALIVE_MS = 30_000

const NOBODY = { name: ANONYMOUS }

/**
 * Sends bytes as fast as the reader takes them; the answer has ended when this resolves. HEAD gets none. What has begun
 * cannot be taken back: where bytes do not come to their end it is broken off.
 * @throws OapError `saturated` while too many others are on their way
 */
export async function sendPieces(
  {
    bodies,
    streams,
    strangerStreams,
    onError
  }: Pick<CallParts, 'bodies' | 'streams' | 'strangerStreams' | 'onError'>,
  reply: FastifyReply,
  { length, pieces, isEndless = false }: Outgoing
): Promise<void> {
  const { request, raw } = reply
  const { name } = (request.caller as Caller | undefined) ?? NOBODY
  const room = name === ANONYMOUS ? strangerStreams : streams
  using place = isEndless
    ? room.enter(raw, name === ANONYMOUS ? sourceOf(request.clientIp) : name)
    : bodies.enter(raw)
  reply.hijack()
  const headers = Object.entries(reply.getHeaders()).map(([name, value]) => [name, String(value)])
  if (length !== undefined) headers.push(['content-length', String(length)])
  raw.writeHead(reply.statusCode, Object.fromEntries(headers) as Record<string, string>)
  // It can take long until the first piece comes.
  if (isEndless) raw.flushHeaders()
  if (isEndless) {
    // The first piece may be long in coming, and nothing else tells that the reader is no more.
    raw.flushHeaders()
    request.raw.socket.setKeepAlive?.(true, KEEP_ALIVE_MS)
  }
  await place.send(request.method === 'HEAD' ? [] : pieces).catch((error: unknown) => {
    // A problem is the caller's: its token was taken back.
    if (!(isReaderGone(error) || error instanceof Problem)) onError(error, String(request.id))
  })
}

/** What the call was made with ends it, too, when its reader leaves. */
const isReaderGone = (error: unknown): boolean =>
  error instanceof ReaderGone || (error instanceof DOMException && error.name === 'AbortError')
