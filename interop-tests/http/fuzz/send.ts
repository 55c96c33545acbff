import { Agent, request } from 'node:http'
import type { IncomingMessage } from 'node:http'
import type { Asking } from './asking.ts'
import { ANSWER_MOST_MS } from './judge.ts'
import type { Answer } from './judge.ts'

const MOST_BYTES = 8 * 2 ** 20
/** What has no end of its own is read for so long. */
const STREAM_MS = 20
const STREAMS = /^(?:text\/event-stream|application\/x-ndjson)/
/** A connection may end before so much has been sent and refused. */
const LONG_BYTES = 60_000

/** Sends requests over connections that are kept. */
export class Sender implements Disposable {
  readonly #port: number
  readonly #agent: Agent

  constructor(port: number, connections: number) {
    this.#port = port
    this.#agent = new Agent({ keepAlive: true, maxSockets: connections, maxFreeSockets: connections })
  }

  /** Undefined where the connection ended under a body that nobody wanted. @throws where there was no answer */
  async send(asking: Asking): Promise<Answer | undefined> {
    try {
      return await this.#once(asking)
    } catch {
      // The hub may end a kept connection just when the next request is on its way.
      return await this.#once(asking).catch((error: unknown) => {
        if (asking.body.length < LONG_BYTES) throw error
        return undefined
      })
    }
  }

  #once({ method, target, headers, body, isChunked }: Asking): Promise<Answer> {
    const length = isChunked ? { 'transfer-encoding': 'chunked' } : { 'content-length': String(body.length) }
    const hasBody = body.length > 0 || ['POST', 'PUT', 'PATCH'].includes(method)
    const started = performance.now()
    return new Promise((resolve, reject) => {
      const call = request({
        agent: this.#agent,
        host: '127.0.0.1',
        port: this.#port,
        method,
        path: target,
        headers: { host: 'localhost', ...headers, ...(hasBody && length) } as Record<string, string>,
        timeout: ANSWER_MOST_MS
      })
      call.once('timeout', () => call.destroy(new Error(`no answer within ${ANSWER_MOST_MS} ms`)))
      call.once('error', reject)
      call.once('response', response => {
        const tookMs = performance.now() - started
        bodyOf(response).then(
          bytes => resolve({ status: response.statusCode!, headers: response.headers, body: bytes, tookMs }),
          reject
        )
      })
      call.end(body)
    })
  }

  [Symbol.dispose](): void {
    this.#agent.destroy()
  }
}

function bodyOf(response: IncomingMessage): Promise<Buffer> {
  const isStream = STREAMS.test(response.headers['content-type'] ?? '')
  const pieces: Buffer[] = []
  let bytes = 0
  return new Promise((resolve, reject) => {
    const done = (): void => {
      clearTimeout(enough)
      resolve(Buffer.concat(pieces))
    }
    const enough = isStream
      ? setTimeout(() => {
          response.destroy()
          done()
        }, STREAM_MS)
      : undefined
    response.on('data', (piece: Buffer) => {
      bytes += piece.length
      if (bytes <= MOST_BYTES) pieces.push(piece)
    })
    response.once('end', done).once('error', isStream ? done : reject)
  })
}
