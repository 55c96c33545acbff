import type { FastifyReply } from 'fastify'
import type { AmsParts } from './parts.ts'
import { giveBytes } from './give-bytes.ts'

/** What is longer takes a place among the bodies under way. */
const LONG_BYTES = 65_536

/**
 * Gives what is in memory, an object as JSON; resolves once it has left, or its reader has gone or was cut off.
 * @throws OapError `saturated` for a long one while too many others are on their way
 */
export async function giveWhole(
  parts: Pick<AmsParts, 'bodies' | 'onError'>,
  reply: FastifyReply,
  whole: object | undefined
): Promise<void> {
  const bytes = whole === undefined || Buffer.isBuffer(whole) ? whole : Buffer.from(JSON.stringify(whole))
  if (bytes !== whole && !reply.hasHeader('content-type')) reply.type('application/json; charset=utf-8')
  if (bytes !== undefined && bytes.length > LONG_BYTES) {
    const pieces = { length: bytes.length, pieces: [bytes], [Symbol.dispose]: () => undefined }
    return await giveBytes(parts, reply, pieces)
  }
  void reply.send(bytes)
  await parts.bodies.left(reply.raw)
}
