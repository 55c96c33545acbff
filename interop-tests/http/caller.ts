import { Agent, request } from 'node:http'

export interface Called {
  readonly status: number
  /** Seconds after which the hub says to come again; 0 where it does not say. */
  readonly retryAfterS: number
}

export interface Call {
  readonly method: string
  readonly path: string
  readonly token?: string
  readonly body?: string
}

const ANSWER_MS = 60_000

/** A kept connection ended without an answer. */
class LeftError extends Error {}

/** Makes calls over kept connections, from one address of this machine. */
export class Caller implements Disposable {
  readonly #port: number
  readonly #from: string
  readonly #agent: Agent
  /** Calls that were made a second time. */
  resent = 0

  constructor(port: number, from: string, connections: number) {
    this.#port = port
    this.#from = from
    this.#agent = new Agent({ keepAlive: true, maxSockets: connections, maxFreeSockets: connections })
  }

  /** @throws where there was no answer */
  async call(call: Call): Promise<Called> {
    try {
      return await this.#once(call)
    } catch (error) {
      // The hub may end a kept connection just when the next request is on its way.
      if (!(error instanceof LeftError)) throw error
      this.resent++
      return await this.#once(call)
    }
  }

  #once({ method, path, token, body }: Call): Promise<Called> {
    return new Promise((resolve, reject) => {
      const made = request({
        agent: this.#agent,
        host: '127.0.0.1',
        port: this.#port,
        localAddress: this.#from,
        method,
        path,
        timeout: ANSWER_MS,
        headers: {
          host: 'localhost',
          ...(token !== undefined && { authorization: `Bearer ${token}` }),
          ...(body !== undefined && {
            'content-type': 'application/json',
            'content-length': Buffer.byteLength(body)
          })
        }
      })
      made.once('timeout', () => made.destroy(new Error(`no answer within ${ANSWER_MS} ms`)))
      made.once('error', (error: NodeJS.ErrnoException) => {
        const isLeft = made.reusedSocket && error.code === 'ECONNRESET'
        reject(isLeft ? new LeftError(error.message) : error)
      })
      made.once('response', answer => {
        const retryAfterS = Number(answer.headers['retry-after'] ?? 0)
        answer.resume().once('error', reject)
        answer.once('end', () => resolve({ status: answer.statusCode!, retryAfterS }))
      })
      made.end(body)
    })
  }

  [Symbol.dispose](): void {
    this.#agent.destroy()
  }
}

/** How calls ended. */
export class Tally {
  good = 0
  /** What was not asked, as too much was under way. */
  left = 0
  readonly refused = new Map<number, number>()
  readonly wrong: string[] = []

  add({ status, retryAfterS }: Called): void {
    if (status >= 200 && status < 300) this.good++
    else if ((status === 429 || status === 503) && retryAfterS >= 1)
      this.refused.set(status, (this.refused.get(status) ?? 0) + 1)
    else this.wrong.push(`status ${status}, Retry-After ${retryAfterS}`)
  }

  failed(error: unknown): void {
    this.wrong.push((error as Error).message)
  }

  /** What a caller at its pace has asked, or would have. */
  get asked(): number {
    return this.good + this.refusals + this.wrong.length + this.left
  }

  get refusals(): number {
    return [...this.refused.values()].reduce((sum, times) => sum + times, 0)
  }
}

/** Makes calls at a pace, whatever becomes of them; yields once the last was made. */
export async function paced(perSecond: number, forMs: number, call: () => void): Promise<void> {
  const started = performance.now()
  for (let made = 0; ;) {
    const elapsed = performance.now() - started
    for (const due = Math.ceil((Math.min(elapsed, forMs) * perSecond) / 1000); made < due; made++) call()
    if (elapsed >= forMs) return
    await new Promise(resolve => setTimeout(resolve, 1))
  }
}
