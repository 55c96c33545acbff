import { hash } from 'node:crypto'
import {
  SHARED_MESSAGE,
  federatedId,
  formatSigned,
  parseSigned,
  signStatement,
  statementsProof,
  equivocationLine
} from '../../federation/index.ts'
import type { SharedMessage } from '../../federation/index.ts'
import { saysTwo } from './plan.ts'
import type { Lie } from './plan.ts'
import type { Name } from './names.ts'

import type { Op } from './network.ts'

interface StateAnswer {
  readonly rows: readonly {
    readonly origin: string
    readonly series: number
    readonly first: number
    readonly last: number
    readonly missing: readonly (readonly number[])[]
    readonly top?: string
  }[]
  readonly more: boolean
}
interface PullAnswer {
  readonly withheld: readonly (readonly number[])[]
  readonly items: readonly { readonly line: number; readonly body: Uint8Array }[]
}

/** For so long a hub that says two things says the same to one neighbour. */
const SAME_MS = 45_000

type LineOf = (share: string, series: number, number: number) => Promise<string | undefined>

/** What a hub that lies makes of its answers. It keeps its books as all do. */
export class Liar {
  readonly #name: Name
  readonly #lie: Lie
  /** The line of an own message, by its number. */
  readonly #lineOf: LineOf
  readonly #nowMs: () => number

  constructor(name: Name, lie: Lie, lineOf: LineOf, nowMs: () => number) {
    this.#name = name
    this.#lie = lie
    this.#lineOf = lineOf
    this.#nowMs = nowMs
  }

  /** Never settles where it does not answer. */
  async answer(asker: number, op: Op, request: object, honest: unknown): Promise<unknown> {
    if (op === 'share_state')
      return this.#state(asker, (request as { share: string }).share, honest as StateAnswer)
    return op === 'share_pull' ? this.#pull(asker, honest as PullAnswer) : honest
  }

  async #state(asker: number, share: string, honest: StateAnswer): Promise<StateAnswer> {
    const rows = await Promise.all(
      honest.rows.map(async row => {
        if (row.origin !== this.#name.id) return row
        if (this.#lie === 'misnumber') return { ...row, last: row.last + 7 }
        if (!saysTwo(this.#lie) || !this.#isOther(asker) || row.top === undefined) return row
        const line = await this.#lineOf(share, row.series, row.last)
        return line === undefined ? row : { ...row, top: federatedId(this.#other(line).statement) }
      })
    )
    return { ...honest, rows }
  }

  #pull(asker: number, honest: PullAnswer): PullAnswer | Promise<never> {
    const each = (how: (line: string, body: Buffer) => readonly [string, Uint8Array]): PullAnswer => ({
      ...honest,
      items: honest.items.map(({ line: length, body: all }) => {
        const [line, body] = how(
          Buffer.from(all.subarray(0, length)).toString(),
          Buffer.from(all.subarray(length))
        )
        return { line: Buffer.byteLength(line), body: Buffer.concat([Buffer.from(line), body]) }
      })
    })
    switch (this.#lie) {
      case 'mute':
        return new Promise(() => undefined)
      case 'empty':
        return { ...honest, items: [] }
      case 'holes':
        return { ...honest, items: honest.items.filter(item => numberOf(item) % 2 === 0) }
      case 'bytes':
        return each((line, body) => [line, Buffer.concat([body.subarray(1), Buffer.from('!')])])
      case 'misnumber':
        return each((line, body) => [this.#signed(line, ({ number }) => ({ number: number + 1000 })), body])
      case 'forger':
        return each((line, body) => {
          const { statement, signature } = parseSigned(SHARED_MESSAGE, line)
          return [
            formatSigned({ statement: { ...statement, priority: (statement.priority + 1) % 10 }, signature }),
            body
          ]
        })
      case 'two-numbers':
      case 'two-faced':
        return each((line, body) => {
          if (!this.#isOther(asker) || parseSigned(SHARED_MESSAGE, line).statement.hub !== this.#name.id)
            return [line, body]
          return [formatSigned(this.#other(line)), this.#otherBody]
        })
      default:
        return honest
    }
  }

  /** A second statement of the same number. */
  #other(line: string) {
    const { statement } = parseSigned(SHARED_MESSAGE, line)
    const body_sha256 = hash('sha256', this.#otherBody, 'hex')
    const other = { ...statement, bytes: this.#otherBody.length, body_sha256 }
    return signStatement(SHARED_MESSAGE, this.#name.signer.key, other)
  }

  #signed(line: string, change: (statement: SharedMessage) => Partial<SharedMessage>): string {
    const { statement } = parseSigned(SHARED_MESSAGE, line)
    return formatSigned(
      signStatement(SHARED_MESSAGE, this.#name.signer.key, { ...statement, ...change(statement) })
    )
  }

  get #otherBody(): Buffer {
    return Buffer.from(otherBodyOf(this.#name.n))
  }

  #isOther(asker: number): boolean {
    const turn = this.#lie === 'two-faced' ? 0 : Math.floor(this.#nowMs() / SAME_MS)
    return (asker + turn) % 2 === 1
  }
}

/** What a hub says beside what it said; nothing is promised of it. */
export const otherBodyOf = (liar: number): string => `another body of hub ${liar}`

const numberOf = ({ line, body }: PullAnswer['items'][number]): number =>
  parseSigned(SHARED_MESSAGE, Buffer.from(body.subarray(0, line)).toString()).statement.number

/** A proof against a hub that did nothing wrong: its statements are of its own making, by the key of who tells it. */
export function falseProof(teller: Name, against: Name): string {
  const statement = (number: number, priority: number): SharedMessage => ({
    at: against.delegation.statement.not_before + 1,
    body_sha256: hash('sha256', '', 'hex'),
    bytes: 0,
    epoch: 1,
    hub: against.id,
    key: against.signer.publicKey,
    node: 'core',
    number,
    priority,
    series: 1,
    share: '0'.repeat(32),
    topic: 'x'
  })
  const lines = [1, 2].map(priority =>
    formatSigned(signStatement(SHARED_MESSAGE, teller.signer.key, statement(1, priority)))
  )
  return equivocationLine(statementsProof('numbers', against.id, lines, [formatSigned(against.delegation)]))
}
