import { createClient } from 'omnigate/sdk'
import type { Hub } from 'omnigate/sdk'
import { clockMs } from './history.ts'
import type { Seen } from './history.ts'

const TOPICS = ['orders/new', 'orders/paid', 'mail']
const PRIORITIES = [0, 4, 4, 4, 9]
const SENDERS = 16
const RECEIVERS = 3
const VISIBILITY_MS = 1000
const WAIT_MS = 50
const MAX_NACK_MS = 50
const QUIET_MS = 400
/** What is sent and not yet seen; more would only make the drain long. */
const MOST_OPEN = 600

export type Random = () => number

interface Unknown {
  readonly label: string
  readonly topic: string
  readonly priority: number
}

/** Senders and receivers of several lives of a node, and all that they saw. */
export class Load {
  readonly history: Seen[]
  /** Sends without an answer: the next life is asked again, under the same key. */
  #unknown: Unknown[] = []
  readonly #random: Random
  #sent = 0
  #calls = 0
  #boot: number
  #open = 0

  /** Goes on after what was seen in earlier lives of the node. */
  constructor(random: Random, history: readonly Seen[] = []) {
    this.#random = random
    this.history = [...history]
    this.#boot = Math.max(0, ...history.map(seen => (seen.is === 'delivery' ? seen.boot : 0)))
  }

  get sends(): number {
    return this.#sent
  }

  /** Works against a node until `ended`; calls that its death cuts off are noted as without an answer. */
  async run(address: string, ended: Promise<unknown>): Promise<void> {
    this.#boot++
    // The node may have been killed before it answered anybody.
    const hub = await Promise.race([connected(address), ended.then(() => undefined)]).catch(() => undefined)
    if (hub === undefined) return
    await using _ = hub
    const stop = new AbortController()
    void ended.finally(() => stop.abort())
    await Promise.all([
      ...Array.from({ length: SENDERS }, () => this.#senders(hub, stop.signal)),
      ...Array.from({ length: RECEIVERS }, (_, i) =>
        this.#receive(hub, TOPICS[i % TOPICS.length]!, stop.signal)
      )
    ])
  }

  /** Takes all that is left from a node that nobody else works with. */
  async drain(address: string): Promise<void> {
    this.#boot++
    this.#note({ is: 'drain', asked: clockMs() })
    await using hub = await connected(address)
    for (const topic of TOPICS) {
      for (;;) {
        const brought = await this.#recv(hub, topic, { max: 256, waitMs: QUIET_MS, visibilityMs: 60_000 })
        if (brought.length === 0) break
        await Promise.all(brought.map(delivery => this.#answer(delivery.msgId, 'ack', () => delivery.ack())))
      }
      for await (const { msg_id: id } of hub.mailbox.deadLetters(topic))
        this.#note({ is: 'dead', id, answered: clockMs() })
    }
  }

  async #senders(hub: Hub, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      if (this.#open > MOST_OPEN) await pause()
      else if (this.#random() < 0.1) await this.#sendBatch(hub)
      else await this.#send(hub, this.#unknown.pop() ?? this.#new())
    }
  }

  #new(topic = this.#one(TOPICS)): Unknown {
    return { label: `m${this.#sent++}`, topic, priority: this.#one(PRIORITIES) }
  }

  async #send(hub: Hub, message: Unknown): Promise<void> {
    const { label, topic, priority } = message
    const asked = clockMs()
    const options = { idemKey: label, priority }
    const result = await settled(hub.mailbox.send(topic, bodyOf(label), options))
    this.#sentOne(message, asked, result)
  }

  async #sendBatch(hub: Hub): Promise<void> {
    const topic = this.#one(TOPICS)
    const messages = Array.from({ length: 1 + Math.floor(this.#random() * 20) }, () => this.#new(topic))
    const asked = clockMs()
    const result = await settled(
      hub.mailbox.sendBatch(
        topic,
        messages.map(({ label, priority }) => ({ body: bodyOf(label), idemKey: label, priority }))
      )
    )
    for (const [i, message] of messages.entries())
      this.#sentOne(message, asked, 'value' in result ? { value: result.value[i]! } : result)
  }

  #sentOne(message: Unknown, asked: number, result: Settled<{ readonly msgId: string }>): void {
    const { label, topic } = message
    const answered = clockMs()
    if ('value' in result) {
      this.#open++
      this.#note({ is: 'send', label, topic, asked, answered, id: result.value.msgId })
    } else if (result.code === undefined) {
      this.#unknown.push(message)
      this.#note({ is: 'send', label, topic, asked })
    } else this.#note({ is: 'send', label, topic, asked, answered, refused: result.code })
  }

  async #receive(hub: Hub, topic: string, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const options = {
        max: 1 + Math.floor(this.#random() * 32),
        waitMs: WAIT_MS,
        visibilityMs: VISIBILITY_MS
      }
      const brought = await this.#recv(hub, topic, options)
      if (brought.length === 0) await pause()
      await Promise.all(
        brought.map(async delivery => {
          const drawn = this.#random()
          // The rest is left until its lease runs out.
          if (drawn < 0.7) await this.#answer(delivery.msgId, 'ack', () => delivery.ack())
          else if (drawn < 0.85) {
            const delayMs = Math.floor(this.#random() * MAX_NACK_MS)
            await this.#answer(delivery.msgId, 'nack', () => delivery.nack({ delayMs }))
          }
        })
      )
    }
  }

  async #recv(hub: Hub, topic: string, options: { max: number; waitMs: number; visibilityMs: number }) {
    const asked = clockMs()
    const call = ++this.#calls
    const result = await settled(hub.mailbox.recv(topic, options))
    if (!('value' in result)) return []
    const answered = clockMs()
    for (const { msgId, body, priority } of result.value)
      this.#note({
        is: 'delivery',
        label: labelOf(body),
        topic,
        id: msgId,
        priority,
        asked,
        answered,
        call,
        boot: this.#boot,
        visibilityMs: options.visibilityMs
      })
    return result.value
  }

  async #answer(id: string, is: 'ack' | 'nack', work: () => Promise<void>): Promise<void> {
    const asked = clockMs()
    const result = await settled(work())
    const answered = clockMs()
    if ('value' in result) {
      if (is === 'ack') this.#open--
      this.#note({ is, id, asked, answered, isDone: true })
    } else if (result.code === 'lease_expired') this.#note({ is, id, asked, answered, isDone: false })
    else this.#note({ is, id, asked })
  }

  #one<T>(of: readonly T[]): T {
    return of[Math.floor(this.#random() * of.length)]!
  }

  #note(seen: Seen): void {
    this.history.push(seen)
  }
}

type Settled<T> = { readonly value: T } | { readonly code: string | undefined }

/** Codes with which a node says that it did nothing; of others nobody knows. */
const REFUSALS = new Set(['mailbox_full', 'saturated', 'not_ready', 'draining', 'bad_request'])

async function settled<T>(work: Promise<T>): Promise<Settled<T>> {
  try {
    return { value: await work }
  } catch (error) {
    const code = (error as { code?: unknown }).code
    const told = code === 'lease_expired' || (typeof code === 'string' && REFUSALS.has(code))
    return { code: told ? code : undefined }
  }
}

const connected = (address: string): Promise<Hub> =>
  createClient({ url: address, retry: { attempts: 1 }, deadlineMs: 5000 })

const pause = (): Promise<void> => new Promise(resolve => setTimeout(resolve, 5))

/** Text that tells whether it came as it was sent, of some ten to some thousand bytes. */
function bodyOf(label: string): string {
  const length = (Number(label.slice(1)) * 7919) % 2000
  return `${label}|`.padEnd(label.length + 1 + length, label)
}

function labelOf(body: Uint8Array): string | undefined {
  const text = Buffer.from(body).toString('latin1')
  const label = text.slice(0, Math.max(0, text.indexOf('|')))
  return /^m\d+$/.test(label) && bodyOf(label) === text ? label : undefined
}
