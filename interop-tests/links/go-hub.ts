import { setTimeout as sleep } from 'node:timers/promises'
import { Child } from '../child.ts'
import { GO_PEER } from '../go-peer.ts'

const ANSWER_MS = 60_000
const POLL_MS = 50
const UNTIL_MS = 60_000

/** How a call or a handshake of the Go hub ended. */
export interface GoVerdict {
  readonly linked?: boolean
  readonly status?: number
  readonly code?: string
  readonly reason?: string
  /** The code with which the Go hub itself ended a handshake. */
  readonly refused?: string
  readonly transcript?: string
  readonly fingerprint?: string
  readonly hub?: string
  readonly verbs?: readonly string[]
  readonly body?: string
  /** All that its node has. */
  readonly connections?: number
  /** What another hub minted for it, in hex. */
  readonly token?: string
  /** How many keys another hub has revoked. */
  readonly revoked?: number
  /** Of a blob that it serves. */
  readonly cid?: string
  /** How often it was asked for that. */
  readonly asked?: number
  /** Whom its DHT names. */
  readonly providers?: readonly { readonly peer: string; readonly addresses: readonly string[] }[]
  /** What became of a question behind a record: answer, reset or end. */
  readonly told?: string
  /** What became of each succession of a file. */
  readonly verdicts?: readonly string[]
  /** Why a succession was not confirmed; empty where it was. */
  readonly refusal?: string
}

/** The status, code and reason of a verdict. */
export const refusalOf = ({ status, code, reason }: GoVerdict) => [status, code, reason]

/** A hub of the Go peer in a process of its own, and what it is told to do. */
export class GoHub implements AsyncDisposable {
  readonly #child: Child
  readonly id: string
  readonly address: string

  /** The peer id of its node. */
  get peer(): string {
    return this.address.split('/p2p/')[1]!
  }

  private constructor(child: Child, id: string, address: string) {
    this.#child = child
    this.id = id
    this.address = address
  }

  /** Of new keys; `options` are those of its command. */
  static async start(...options: readonly string[]): Promise<GoHub> {
    const child = new Child(GO_PEER, ['hub', ...options])
    try {
      const { hub, multiaddr } = await child.firstJson()
      return new GoHub(child, String(hub), String(multiaddr))
    } catch (error) {
      await child[Symbol.asyncDispose]()
      throw error
    }
  }

  /** Rejects with what went wrong on its side, where there was no verdict. */
  async does(what: string, more: Readonly<Record<string, unknown>> = {}): Promise<GoVerdict> {
    const answer = await this.#child.asked(JSON.stringify({ do: what, ...more }), ANSWER_MS)
    if ('error' in answer) throw new Error(`${what}: ${JSON.stringify(answer['error'])}`)
    return answer
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#child[Symbol.asyncDispose]()
  }
}

/** What a question yields once it is as wished. Rejects when that takes too long. */
export async function until<T>(ask: () => Promise<T>, wished: (answer: T) => boolean): Promise<T> {
  const end = performance.now() + UNTIL_MS
  for (;;) {
    const answer = await ask()
    if (wished(answer)) return answer
    if (performance.now() > end) throw new Error(`is ${JSON.stringify(answer)} for too long`)
    await sleep(POLL_MS)
  }
}
