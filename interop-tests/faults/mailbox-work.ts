import { randomUUID } from 'node:crypto'
import type { NodeConnection } from 'omnigate/sdk'
import { mailboxService } from 'omnigate/protocols'
import type { Client, MailboxDelivery } from 'omnigate/protocols'
import { DEADLINE_MS, LATE_MS, WrongAnswer, bytesOf, isEnough, outcomeOf } from './calls.ts'
import type { Outcome } from './calls.ts'
import { draw } from './random.ts'

const MESSAGES = 30
/** So that all of them pass the byte where faults begin, on their way there and back. */
const BODY_BYTES = 8000
const TAKEN_AT_ONCE = 6
const VISIBILITY_MS = 1000
const WAIT_MS = 500
const NUMBER_BYTES = 4
/** After so many empty answers in a row, each waited for beyond a lease, nothing more comes. */
const EMPTY_ENOUGH = 2

type Rows = Pick<Client<(typeof mailboxService)['operations']>, 'send' | 'recv' | 'ack'>

/** Messages on a topic of their own: sent and received side by side, then what was acknowledged is looked for. */
export class MailboxWork {
  readonly #seed: number
  readonly #topic = `faults/${randomUUID()}`
  /** Whose sending was acknowledged. */
  readonly #stored = new Set<number>()
  /** Whose removal was asked for, whatever came of it: these need not come again. */
  readonly #taken = new Set<number>()

  constructor(seed: number) {
    this.#seed = seed
  }

  under(hub: NodeConnection): Promise<Outcome[]> {
    return this.exchange(hub.client(mailboxService))
  }

  after(hub: NodeConnection): Promise<readonly string[]> {
    return this.lost(hub.client(mailboxService))
  }

  /** Sends and receives at once, over whatever link `rows` use. */
  async exchange(rows: Rows): Promise<Outcome[]> {
    let isSending = true
    const sent = this.#send(rows).finally(() => (isSending = false))
    const [sends, receipts] = await Promise.all([sent, this.#receive(rows, () => isSending)])
    return [...sends, ...receipts]
  }

  /** What was acknowledged and never came, and what came otherwise than it was sent. */
  async lost(rows: Rows): Promise<readonly string[]> {
    const problems: string[] = []
    for (let empty = 0; empty < EMPTY_ENOUGH && this.#missing().length > 0;) {
      const items = await this.#recv(rows, 2 * VISIBILITY_MS)
      empty = items.length === 0 ? empty + 1 : 0
      try {
        await this.#take(rows, items)
      } catch (error) {
        problems.push(error instanceof Error ? error.message : String(error))
        break
      }
    }
    return [...problems, ...this.#missing().map(n => `message ${n} was acknowledged and never came`)]
  }

  async #send(rows: Rows): Promise<Outcome[]> {
    const outcomes: Outcome[] = []
    for (let n = 0; n < MESSAGES && !isEnough(outcomes); n++) {
      const request = { topic: this.#topic, idem_key: `m${n}`, body: this.#bodyOf(n) }
      const send = async (): Promise<void> => {
        await rows.send(request, { deadlineMs: DEADLINE_MS })
        this.#stored.add(n)
      }
      outcomes.push(await outcomeOf('send', DEADLINE_MS + LATE_MS, send))
    }
    return outcomes
  }

  async #receive(rows: Rows, isSending: () => boolean): Promise<Outcome[]> {
    const outcomes: Outcome[] = []
    let isEmpty = false
    while (!isEnough(outcomes) && (isSending() || !isEmpty)) {
      let items: readonly MailboxDelivery[] = []
      const recv = async (): Promise<void> => void (items = await this.#recv(rows, WAIT_MS))
      outcomes.push(await outcomeOf('recv', DEADLINE_MS + LATE_MS, recv))
      isEmpty = items.length === 0
      if (isEmpty) continue
      outcomes.push(await outcomeOf('ack', DEADLINE_MS + LATE_MS, () => this.#take(rows, items)))
    }
    return outcomes
  }

  async #recv(rows: Rows, waitMs: number): Promise<readonly MailboxDelivery[]> {
    const request = { topic: this.#topic, max: TAKEN_AT_ONCE, visibility_ms: VISIBILITY_MS, wait_ms: waitMs }
    return (await rows.recv(request, { deadlineMs: DEADLINE_MS })).items
  }

  async #take(rows: Rows, items: readonly MailboxDelivery[]): Promise<void> {
    if (items.length === 0) return
    const numbers = items.map(({ body }) => this.#numberOf(body ?? new Uint8Array(0)))
    for (const n of numbers) this.#taken.add(n)
    const leased = items.map(({ msg_id, lease = '' }) => ({ msg_id, lease }))
    await rows.ack({ topic: this.#topic, items: leased }, { deadlineMs: DEADLINE_MS })
  }

  #missing(): readonly number[] {
    return [...this.#stored].filter(n => !this.#taken.has(n))
  }

  #bodyOf(n: number): Uint8Array {
    const body = bytesOf(draw(this.#seed, n) * 2 ** 32, BODY_BYTES).slice()
    new DataView(body.buffer).setUint32(0, n)
    return body
  }

  #numberOf(body: Uint8Array): number {
    const n = body.length < NUMBER_BYTES ? MESSAGES : new DataView(body.buffer, body.byteOffset).getUint32(0)
    if (n < MESSAGES && Buffer.compare(body, this.#bodyOf(n)) === 0) return n
    throw new WrongAnswer(`a message of ${body.length} bytes that nobody sent so`)
  }
}
