import type { FastifyReply, FastifyRequest } from 'fastify'
import { OapError } from '../../protocols/index.ts'
import { sourceOf } from '../ams/access/addresses.ts'
import { ANONYMOUS } from '../ams/access/caller.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Whether the body is passed on while it comes. */
    isStreamed?: boolean
  }
}

type BodyRequest = Pick<FastifyRequest, 'headers' | 'routeOptions' | 'caller' | 'clientIp'>

/** Of a source of callers who show no token. */
const MOST_OF_SOURCE_BYTES = 8 * 1024 * 1024

/**
 * Room for the bodies of requests that are read at the same time, by as many bytes as each may have: what it says, or what
 * its route takes where it says nothing. So many small ones are read beside few large ones, and never more than that is held.
 * Callers who show no token have half of it, and one source of them 8 MiB, so that they leave room for the others.
 */
export class BodyRoom {
  readonly #mostBytes: number
  #heldBytes = 0
  #strangersBytes = 0
  /** Each while it holds some. */
  readonly #bySource = new Map<string, number>()

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
  enter(request: BodyRequest, { raw }: Pick<FastifyReply, 'raw'>): void {
    const { headers, routeOptions } = request
    // Of what is passed on as it comes, never more than a piece is held.
    if (routeOptions.config.isStreamed === true) return
    const most = routeOptions.bodyLimit ?? 0
    const isChunked = headers['transfer-encoding'] !== undefined
    const bytes = isChunked ? most : Number(headers['content-length'] ?? 0)
    if (bytes === 0 || bytes > most) return
    const source = sourceOfStranger(request)
    if (this.#heldBytes + bytes > this.#mostBytes || this.#isTooMuch(source, bytes))
      throw new OapError('saturated', 'too many bodies are under way; ask again')
    this.#take(source, bytes)
    raw.once('close', () => this.#take(source, -bytes))
  }

  #isTooMuch(source: string | undefined, bytes: number): boolean {
    if (source === undefined) return false
    const held = this.#bySource.get(source) ?? 0
    return held + bytes > MOST_OF_SOURCE_BYTES || this.#strangersBytes + bytes > this.#mostBytes / 2
  }

  #take(source: string | undefined, bytes: number): void {
    this.#heldBytes += bytes
    if (source === undefined) return
    this.#strangersBytes += bytes
    const held = (this.#bySource.get(source) ?? 0) + bytes
    if (held === 0) this.#bySource.delete(source)
    else this.#bySource.set(source, held)
  }
}

const sourceOfStranger = ({ caller, clientIp }: BodyRequest): string | undefined =>
  (caller as BodyRequest['caller'] | undefined)?.name === ANONYMOUS ? sourceOf(clientIp) : undefined
