import type { FastifyReply, FastifyRequest } from 'fastify'
import { OapError } from '../../protocols/index.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Whether the body is passed on while it comes. */
    isStreamed?: boolean
  }
}

/**
 * Room for the bodies of requests that are read at the same time, by as many bytes as each may have: what it says, or what
 * its route takes where it says nothing. So many small ones are read beside few large ones, and never more than that is held.
 */
export class BodyRoom {
  readonly #mostBytes: number
  #heldBytes = 0

  constructor(mostBytes: number) {
    this.#mostBytes = mostBytes
  }

  get heldBytes(): number {
    return this.#heldBytes
  }

  /**
   * Takes room until the answer has ended, before a byte is read. What is longer than its route takes needs none: it is not
   * read. @throws OapError `saturated`
   */
  enter({ headers, routeOptions }: FastifyRequest, { raw }: Pick<FastifyReply, 'raw'>): void {
    // Of what is passed on as it comes, never more than a piece is held.
    if (routeOptions.config.isStreamed === true) return
    const most = routeOptions.bodyLimit ?? 0
    const isChunked = headers['transfer-encoding'] !== undefined
    const bytes = isChunked ? most : Number(headers['content-length'] ?? 0)
    if (bytes === 0 || bytes > most) return
    if (this.#heldBytes + bytes > this.#mostBytes)
      throw new OapError('saturated', 'too many bodies are under way; ask again')
    this.#heldBytes += bytes
    raw.once('close', () => (this.#heldBytes -= bytes))
  }
}
