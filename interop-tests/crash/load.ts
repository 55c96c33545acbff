import { createClient } from 'omnigate/sdk'
import type { Delivery, Hub } from 'omnigate/sdk'
import { CANARY, CanarySearch } from './canary.ts'
import { clockMs } from './history.ts'
import type { Delivered, Seen } from './history.ts'

const TOPICS = ['orders/new', 'orders/paid', 'mail']
const PRIORITIES = [0, 4, 4, 4, 9]
const SENDERS = 16
const RECEIVERS = 3
const VISIBILITY_MS = 1000
const WAIT_MS = 50
const MAX_NACK_MS = 50
const MAX_DELAY_MS = 300
const QUIET_MS = 400
/** So often a drain waits for messages whose time has not come. */
const MOST_WAITS = 20
const DEADLINE_MS = 5000
/** What a call brings too late is under lease, and would be taken for lost: in a drain even a machine that is slow is waited for. */
const DRAIN_DEADLINE_MS = 60_000
/** Under lease and not answered, by a subscription. */
const SUBSCRIBED = 16
/** What is sent and not yet seen; more would only make the drain long. */
const MOST_OPEN = 600

export type Random = () => number

interface Unknown {
  readonly label: string
  readonly topic: string
  readonly priority: number
  /** By the machine's clock, and by that of the history. */
  readonly notBefore?: number
  readonly dueMs?: number
}

/** What the load needs of a node. */
export interface Served {
  readonly address: string
  watch(ended: Promise<unknown>): Promise<void>
  look(): Promise<void>
}

/** Senders and receivers of several lives of a node, and all that they saw. */
export class Load {
  readonly history: Seen[]
  /** Sees the errors of all calls, and all that the nodes show that are started with it. */
  readonly search = new CanarySearch()
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

  /** How many of the sealed messages a drain has found dead. */
  get sealedDead(): number {
    const dead = new Set(this.history.flatMap(seen => (seen.is === 'dead' ? [seen.id] : [])))
    const isDead = (seen: Seen): boolean =>
      seen.is === 'send' && isSealed(seen.label) && seen.id !== undefined && dead.has(seen.id)
    return this.history.filter(isDead).length
  }

  /** Works against a node until `ended`; calls that its death cuts off are noted as without an answer. */
  async run(node: Served, ended: Promise<unknown>): Promise<void> {
    this.#boot++
    const watching = node.watch(ended)
    // The node may have been killed before it answered anybody.
    const connecting = Promise.race([connected(node.address), ended.then(() => undefined)])
    const hub = await connecting.catch(() => undefined)
    if (hub === undefined) return await watching
    await using _ = hub
    // Those that became dead letters are open no more.
    const stats = await Promise.all(TOPICS.map(topic => hub.mailbox.stats(topic))).catch(() => [])
    this.#open = stats.reduce((sum, { depth }) => sum + depth, 0)
    const stop = new AbortController()
    void ended.finally(() => stop.abort())
    await Promise.all([
      watching,
      ...Array.from({ length: SENDERS }, () => this.#senders(hub, stop.signal)),
      this.#subscribe(hub, TOPICS[this.#boot % TOPICS.length]!, stop.signal),
      ...Array.from({ length: RECEIVERS }, (_, i) =>
        this.#receive(hub, TOPICS[i % TOPICS.length]!, stop.signal)
      )
    ])
  }

  /** Takes all that is left from a node that nobody else works with. */
  async drain(node: Served): Promise<void> {
    this.#boot++
    this.#note({ is: 'drain', asked: clockMs() })
    await using hub = await connected(node.address, DRAIN_DEADLINE_MS)
    for (const topic of TOPICS) {
      for (let waits = 0; ;) {
        const brought = await this.#recv(hub, topic, { max: 256, waitMs: QUIET_MS, visibilityMs: 60_000 })
        if (brought.length === 0) {
          // A store that is broken may not even know how many wait.
          const { delayed } = await hub.mailbox.stats(topic).catch(() => ({ delayed: 0 }))
          if (delayed === 0 || ++waits === MOST_WAITS) break
        }
        await Promise.all(brought.map(delivery => this.#answer(delivery.msgId, 'ack', () => delivery.ack())))
      }
      for await (const { msg_id: id } of hub.mailbox.deadLetters(topic))
        this.#note({ is: 'dead', id, answered: clockMs() })
    }
    await node.look()
  }

  async #senders(hub: Hub, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      if (this.#open > MOST_OPEN) await pause()
      else if (this.#random() < 0.1) await this.#sendBatch(hub)
      else await this.#send(hub, this.#unknown.pop() ?? this.#new())
    }
  }

  #new(topic = this.#one(TOPICS), isSealed = this.#random() < 0.25): Unknown {
    const label = `${isSealed ? SEALED : OPEN}${this.#sent++}`
    const message = { label, topic, priority: this.#one(PRIORITIES) }
    if (this.#random() >= 0.1) return message
    const delayMs = 1 + Math.floor(this.#random() * MAX_DELAY_MS)
    return { ...message, notBefore: Date.now() + delayMs, dueMs: clockMs() + delayMs }
  }

  async #send(hub: Hub, message: Unknown): Promise<void> {
    const { label, topic } = message
    const asked = clockMs()
    const options = { ...optionsOf(message), e2e: isSealed(label) }
    const result = await this.#settled(hub.mailbox.send(topic, bodyOf(label), options))
    this.#sentOne(message, asked, result)
  }

  async #sendBatch(hub: Hub): Promise<void> {
    const topic = this.#one(TOPICS)
    const e2e = this.#random() < 0.25
    const count = 1 + Math.floor(this.#random() * 20)
    const messages = Array.from({ length: count }, () => this.#new(topic, e2e))
    const asked = clockMs()
    const items = messages.map(message => ({ body: bodyOf(message.label), ...optionsOf(message) }))
    const result = await this.#settled(hub.mailbox.sendBatch(topic, items, { e2e }))
    for (const [i, message] of messages.entries())
      this.#sentOne(message, asked, 'value' in result ? { value: result.value[i]! } : result)
  }

  #sentOne(message: Unknown, asked: number, result: Settled<{ readonly msgId: string }>): void {
    const { label, topic, dueMs } = message
    const answered = clockMs()
    const send = { is: 'send', label, topic, asked, ...(dueMs !== undefined && { dueMs }) } as const
    if ('value' in result) {
      this.#open++
      this.#note({ ...send, answered, id: result.value.msgId })
    } else if (result.code === undefined) {
      this.#unknown.push(message)
      this.#note(send)
    } else this.#note({ ...send, answered, refused: result.code })
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
      await Promise.all(brought.map(delivery => this.#work(delivery)))
    }
  }

  async #work(delivery: Delivery): Promise<void> {
    const drawn = this.#random()
    // The rest is left until its lease runs out.
    if (drawn < 0.7) await this.#answer(delivery.msgId, 'ack', () => delivery.ack())
    else if (drawn < 0.85) {
      const delayMs = Math.floor(this.#random() * MAX_NACK_MS)
      await this.#answer(delivery.msgId, 'nack', () => delivery.nack({ delayMs }))
    }
  }

  /** Each delivery of a subscription counts as a call that was made when the subscription was. */
  async #subscribe(hub: Hub, topic: string, signal: AbortSignal): Promise<void> {
    const asked = clockMs()
    const options = { max: SUBSCRIBED, visibilityMs: VISIBILITY_MS, signal }
    try {
      for await (const delivery of hub.mailbox.subscribe(topic, options)) {
        this.#noteDelivery(delivery, { topic, asked, call: ++this.#calls, visibilityMs: VISIBILITY_MS })
        await this.#work(delivery)
      }
    } catch (error) {
      this.search.read('an error', `${String(error)}\n`)
    }
  }

  async #recv(hub: Hub, topic: string, options: { max: number; waitMs: number; visibilityMs: number }) {
    const asked = clockMs()
    const call = ++this.#calls
    const result = await this.#settled(hub.mailbox.recv(topic, options))
    if (!('value' in result)) return []
    const { visibilityMs } = options
    for (const delivery of result.value) this.#noteDelivery(delivery, { topic, asked, call, visibilityMs })
    return result.value
  }

  #noteDelivery(
    { msgId: id, body, priority, attempt, isSealed }: Delivery,
    by: Pick<Delivered, 'topic' | 'asked' | 'call' | 'visibilityMs'>
  ): void {
    const label = labelOf(body, isSealed)
    const answered = clockMs()
    this.#note({ is: 'delivery', label, id, priority, attempt, answered, boot: this.#boot, ...by })
  }

  async #answer(id: string, is: 'ack' | 'nack', work: () => Promise<void>): Promise<void> {
    const asked = clockMs()
    const result = await this.#settled(work())
    const answered = clockMs()
    if ('value' in result) {
      if (is === 'ack') this.#open--
      this.#note({ is, id, asked, answered, isDone: true })
    } else if (result.code === 'lease_expired') this.#note({ is, id, asked, answered, isDone: false })
    else this.#note({ is, id, asked })
  }

  async #settled<T>(work: Promise<T>): Promise<Settled<T>> {
    try {
      return { value: await work }
    } catch (error) {
      this.search.read('an error', `${String(error)}\n`)
      const code = (error as { code?: unknown }).code
      const told = code === 'lease_expired' || (typeof code === 'string' && REFUSALS.has(code))
      return { code: told ? code : undefined }
    }
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

const connected = (address: string, deadlineMs = DEADLINE_MS): Promise<Hub> =>
  createClient({ url: address, retry: { attempts: 1 }, deadlineMs })

const pause = (): Promise<void> => new Promise(resolve => setTimeout(resolve, 5))

const optionsOf = ({ label, priority, notBefore }: Unknown) => ({
  idemKey: label,
  priority,
  ...(notBefore !== undefined && { notBefore })
})

const OPEN = 'm'
const SEALED = 's'
const isSealed = (label: string): boolean => label.startsWith(SEALED)

/** Text that tells whether it came as it was sent, of some ten to some thousand bytes; a sealed one is full of the canary. */
function bodyOf(label: string): string {
  const length = (Number(label.slice(1)) * 7919) % 2000
  if (isSealed(label)) return `${label}|${CANARY.repeat(2 + Math.floor(length / CANARY.length))}`
  return `${label}|`.padEnd(label.length + 1 + length, label)
}

function labelOf(body: Uint8Array, cameSealed: boolean): string | undefined {
  const text = Buffer.from(body).toString('latin1')
  const label = text.slice(0, Math.max(0, text.indexOf('|')))
  if (!/^[ms]\d+$/.test(label) || isSealed(label) !== cameSealed) return undefined
  return bodyOf(label) === text ? label : undefined
}
