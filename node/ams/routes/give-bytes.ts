import type { FastifyReply } from 'fastify'
import { ReaderGone } from '../../gateway/bodies.ts'
import type { Pieces } from '../artifact-shelf.ts'
import type { AmsParts } from './parts.ts'

type Given = Disposable &
  Pick<Pieces, 'length'> & { readonly pieces: Pieces['pieces'] | Iterable<Uint8Array> }

/**
 * Sends bytes as fast as the reader takes them; the answer has ended when this resolves. HEAD gets none. What has begun cannot
 * be taken back: where bytes cannot be read to their end it is broken off.
 * @throws OapError `saturated` while too many others are on their way
 */
export async function giveBytes(
  { bodies, onError }: Pick<AmsParts, 'bodies' | 'onError'>,
  reply: FastifyReply,
  bytes: Given
): Promise<void> {
  using held = bytes
  const { request, raw } = reply
  using place = bodies.enter(raw)
  reply.hijack()
  // From here on a reader that takes its time is the body's business.
  request.raw.socket.setTimeout?.(0)
  raw.writeHead(reply.statusCode, { ...headersOf(reply), 'content-length': held.length })
  await place.send(request.method === 'HEAD' ? [] : held.pieces).catch((error: unknown) => {
    if (!(error instanceof ReaderGone)) onError(error, String(request.id))
  })
}

const headersOf = (reply: FastifyReply): Record<string, string> =>
  Object.fromEntries(Object.entries(reply.getHeaders()).map(([name, value]) => [name, String(value)]))
