import type { FastifyReply } from 'fastify'
import { ANONYMOUS } from '../ams/access/index.ts'
import type { Caller } from '../ams/access/index.ts'
import { Problem } from '../ams/routes/problem.ts'
import { ReaderGone } from '../gateway/bodies.ts'
import type { CallParts } from './parts.ts'
import type { Outgoing } from './route.ts'

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
  const isStranger = ((request.caller as Caller | undefined) ?? NOBODY).name === ANONYMOUS
  using place = (isEndless ? (isStranger ? strangerStreams : streams) : bodies).enter(raw)
  reply.hijack()
  const headers = Object.entries(reply.getHeaders()).map(([name, value]) => [name, String(value)])
  if (length !== undefined) headers.push(['content-length', String(length)])
  raw.writeHead(reply.statusCode, Object.fromEntries(headers) as Record<string, string>)
  // It can take long until the first piece comes.
  if (isEndless) raw.flushHeaders()
  await place.send(request.method === 'HEAD' ? [] : pieces).catch((error: unknown) => {
    // A problem is the caller's: its token was taken back.
    if (!(error instanceof ReaderGone || error instanceof Problem)) onError(error, String(request.id))
  })
}
