import { setTimeout as sleep } from 'node:timers/promises'
import { createClient } from 'omnigate/sdk'
import type { Delivery, Hub } from 'omnigate/sdk'
import type { Dice } from '../faults/random.ts'
import { DEADLINE_MS, explained } from './calls.ts'
import { MailboxLedger, bodyOf, labelOf } from './mailbox-ledger.ts'
import type { Watch } from './watch.ts'

const TOPICS = ['soak/one', 'soak/two']
export const HELD_TOPIC = 'soak/held'
const HELD = 200
/** Sent and not yet taken, at most: what the node holds when it is restarted, and the time of a drain. */
const MOST_OWED = 500
const SEND_EVERY_MS = 20
const AFTER_FAILURE_MS = 50
const RECEIVED_AT_ONCE = 16
const WAIT_MS = 200
const VISIBILITY_MS = 5000
const NACKED_ONE_IN = 20
const MOST_NACK_MS = 50
const READ_BY_ONE_SUBSCRIPTION = 200
/** How long a drain may take before what is owed is lost. */
const DRAIN_MS = 30_000
const QUIET_MS = 500

export interface TrafficOptions {
  readonly address: string
  readonly watch: Watch
  readonly dice: Dice
  /** Told of errors that nothing explains. */
  readonly broken: (text: string) => void
}

/** Sends to some topics, and takes by `recv` and by subscription what others sent, whatever happens to the node. */
export class MailboxTraffic {
  readonly ledger = new MailboxLedger()
  readonly #o: TrafficOptions
  #lastDeliveryAt = 0

  constructor(options: TrafficOptions) {
    this.#o = options
  }

  /** Works until `isOver`, then takes all that is left. */
  async run(isOver: () => boolean): Promise<void> {
    await using hub = await this.#connect()
    const drained = new AbortController()
    const receiving = TOPICS.flatMap(topic => [
      this.#receive(hub, topic, drained.signal),
      this.#subscribe(hub, topic, drained.signal)
    ])
    await Promise.all(TOPICS.map(topic => this.#send(hub, topic, isOver)))
    await this.#drain()
    drained.abort()
    await Promise.all(receiving)
    this.ledger.settle()
  }

  /** Sends messages that nobody takes. Yields what the node owes. */
  async hold(): Promise<MailboxLedger> {
    await using hub = await this.#connect()
    const owed = new MailboxLedger()
    const labels = Array.from({ length: HELD }, () => owed.next())
    const messages = labels.map(label => ({ body: bodyOf(label) }))
    await this.#o.watch.call('mailbox send_batch', () => hub.mailbox.sendBatch(HELD_TOPIC, messages))
    for (const label of labels) owed.stored(label)
    return owed
  }

  /** Takes what was held, all of which must be there. Yields what was wrong. */
  async takeHeld(owed: MailboxLedger): Promise<readonly string[]> {
    await using hub = await this.#connect()
    for (;;) {
      const asked = this.#o.watch.now()
      const brought = await this.#recv(hub, HELD_TOPIC)
      if (brought.length === 0) break
      await Promise.all(brought.map(delivery => this.#ack(delivery, owed, asked)))
    }
    owed.settle()
    return owed.violations.map(violation => `after a restart: ${violation}`)
  }

  #connect(): Promise<Hub> {
    return createClient({ url: this.#o.address, retry: { attempts: 1 }, deadlineMs: DEADLINE_MS })
  }

  async #send(hub: Hub, topic: string, isOver: () => boolean): Promise<void> {
    for (; !isOver(); await sleep(SEND_EVERY_MS)) {
      if (this.ledger.owed > MOST_OWED) continue
      const label = this.ledger.next()
      const isSent = await this.#tried('mailbox send', () => hub.mailbox.send(topic, bodyOf(label)))
      if (isSent) this.ledger.stored(label)
    }
  }

  async #receive(hub: Hub, topic: string, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const asked = this.#o.watch.now()
      let brought: readonly Delivery[] = []
      await this.#tried('mailbox recv', async () => void (brought = await this.#recv(hub, topic)))
      await Promise.all(brought.map(delivery => this.#take(delivery, asked)))
    }
  }

  #recv(hub: Hub, topic: string): Promise<readonly Delivery[]> {
    const options = { max: RECEIVED_AT_ONCE, waitMs: WAIT_MS, visibilityMs: VISIBILITY_MS }
    return hub.mailbox.recv(topic, options)
  }

  async #subscribe(hub: Hub, topic: string, signal: AbortSignal): Promise<void> {
    const options = { max: RECEIVED_AT_ONCE, visibilityMs: VISIBILITY_MS, signal }
    while (!signal.aborted) {
      let read = 0
      try {
        for await (const delivery of hub.mailbox.subscribe(topic, options)) {
          await this.#take(delivery)
          if (++read === READ_BY_ONE_SUBSCRIPTION) break
        }
      } catch (error) {
        if (!signal.aborted) this.#o.broken(`mailbox subscribe: ${String(error)}`)
        return
      }
    }
  }

  async #take(delivery: Delivery, asked?: number): Promise<void> {
    this.#lastDeliveryAt = this.#o.watch.now()
    const { dice } = this.#o
    const isNacked = delivery.attempt === 1 && dice.oneIn(NACKED_ONE_IN)
    if (!isNacked) return this.#ack(delivery, this.ledger, asked)
    this.ledger.delivered(labelOf(delivery.body), asked)
    await this.#tried('mailbox nack', () => delivery.nack({ delayMs: dice.between(0, MOST_NACK_MS) }))
  }

  async #ack(delivery: Delivery, ledger: MailboxLedger, asked?: number): Promise<void> {
    const label = labelOf(delivery.body)
    ledger.delivered(label, asked)
    if (label === undefined) return
    const isAcked = await this.#tried('mailbox ack', () => delivery.ack())
    if (isAcked) ledger.removed(label, this.#o.watch.now())
    else if (isAcked === undefined) ledger.unsure(label)
  }

  /** True when it was done, false when the node said that it was too late, undefined when nobody knows. */
  async #tried(kind: string, make: () => Promise<unknown>): Promise<boolean | undefined> {
    const since = this.#o.watch.now()
    try {
      await this.#o.watch.call(kind, make)
      return true
    } catch (error) {
      if ((error as { code?: unknown }).code === 'lease_expired') return false
      if (!explained(error, this.#o.watch.met(since))) this.#o.broken(`${kind}: ${String(error)}`)
      await sleep(AFTER_FAILURE_MS)
      return undefined
    }
  }

  /** Lets the receivers go on until nothing is owed and nothing comes any more. */
  async #drain(): Promise<void> {
    const { watch } = this.#o
    const until = watch.now() + DRAIN_MS
    const isDone = (): boolean => this.ledger.owed === 0 && watch.now() - this.#lastDeliveryAt > QUIET_MS
    while (!isDone() && watch.now() < until) await sleep(SEND_EVERY_MS)
  }
}
