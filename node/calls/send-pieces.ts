import type { FastifyReply } from 'fastify'
import { ReaderGone } from '../gateway/bodies.ts'
import type { CallParts } from './parts.ts'
import type { Outgoing } from './route.ts'

/**
 * Sends bytes as fast as the reader takes them; the answer has ended when this resolves. HEAD gets none. What has begun
 * cannot be taken back: where bytes do not come to their end it is broken off.
 * @throws OapError `saturated` while too many others are on their way
 */
export async function sendPieces(
  { bodies, streams, onError }: Pick<CallParts, 'bodies' | 'streams' | 'onError'>,
  reply: FastifyReply,
  { length, pieces, isEndless = false }: Outgoing
): Promise<void> {
  const { request, raw } = reply
  using place = (isEndless ? streams : bodies).enter(raw)
  reply.hijack()
  const headers = Object.entries(reply.getHeaders()).map(([name, value]) => [name, String(value)])
  if (length !== undefined) headers.push(['content-length', String(length)])
  raw.writeHead(reply.statusCode, Object.fromEntries(headers) as Record<string, string>)
  await place.send(request.method === 'HEAD' ? [] : pieces).catch((error: unknown) => {
    if (!(error instanceof ReaderGone)) onError(error, String(request.id))
  })
}
