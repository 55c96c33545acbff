import { DIRECTED, redeliveryDelayMs } from '../../federation/index.ts'
import type { DelegationBook, ReceiptRefusal, Treaty } from '../../federation/index.ts'
import { OapError } from '../../protocols/index.ts'
import type { ConnectionCaller } from '../../protocols/index.ts'
import type { Log } from '../log.ts'
import { outboxOf } from '../mailbox/index.ts'
import type { Mailbox, Taken } from '../mailbox/index.ts'
import { attempt } from './delivery.ts'
import type { Attempted, DeliveryPlace } from './delivery.ts'

export interface OutboxOptions {
  /** Undefined while none is open. */
  readonly mailbox: () => Mailbox | undefined
  /** Our treaty with a hub; undefined where it is not on the allowlist. */
  readonly treatyOf: (hub: string) => Treaty | undefined
  /** Calls to a hub; undefined without a link, or while it is in quarantine here. */
  readonly callerOf: (hub: string) => ConnectionCaller | undefined
  readonly bookOf: (hub: string) => DelegationBook
  /** Unix seconds. */
  readonly seconds: () => number
  /** Ms of a clock that cannot be set. */
  readonly steadyMs: () => number
  /** From 0 up to 1. */
  readonly random: () => number
  /** Told of each attempt: `delivered`, `refused` or `failed`. */
  readonly attempted: (what: 'delivered' | 'refused' | 'failed') => void
  /** Told of what a hub answered as the receipt of a message, by its federated id, and is none. */
  readonly noReceipt: (hub: string, why: ReceiptRefusal, id: string) => void
  readonly log: Pick<Log, 'info' | 'warn' | 'debug'>
}

/** A lease outlives the call that it is for. */
const LEASE_MS = 2 * DIRECTED.callMs

/** What waits for one hub. */
interface Waiting {
  readonly tenants: Set<string>
  isRunning: boolean
  /** In a row, without a message that came to an end. */
  failures: number
  /** Until then the hub is left alone. */
  untilMs: number
  /** What was said last, so that it is said once. */
  why: string
}

/**
 * Brings messages of the outbox to their hubs: each hub by itself, its tenants in turn, some at a time. What is in it is the
 * mailbox's and durable; here is only which hubs and tenants have any.
 */
export class Outbox {
  readonly #o: OutboxOptions
  readonly #hubs = new Map<string, Waiting>()
  readonly #stop = new AbortController()
  readonly #running = new Set<Promise<void>>()
  #filledFor: Mailbox | undefined

  constructor(options: OutboxOptions) {
    this.#o = options
  }

  /** What waits for a hub, of all tenants. */
  waiting(hub: string): { readonly messages: number; readonly bytes: number } {
    const box = this.#o.mailbox()
    let messages = 0
    let bytes = 0
    for (const tenant of box === undefined ? [] : (this.#hubs.get(hub)?.tenants ?? [])) {
      const { ready, delayed } = box!.outbox(tenant, hub)
      messages += ready.messages + delayed.messages
      bytes += ready.bytes + delayed.bytes
    }
    return { messages, bytes }
  }

  /** Hubs for which anything waits. */
  get hubs(): readonly string[] {
    return [...this.#hubs.keys()]
  }

  /** A message was put into the outbox. */
  queued(tenant: string, hub: string): void {
    this.#of(hub).tenants.add(tenant)
    setImmediate(() => this.#start(hub))
  }

  /** Begins what is due; for a timer. */
  tick(): void {
    const box = this.#o.mailbox()
    if (box === undefined || this.#stop.signal.aborted) return
    if (box !== this.#filledFor) {
      this.#filledFor = box
      this.#own(this.#fill(box))
    }
    for (const hub of this.#hubs.keys()) this.#start(hub)
  }

  /** A link with a hub is new: what was put off is due. */
  linked(hub: string): void {
    const waiting = this.#hubs.get(hub)
    if (waiting === undefined) return
    waiting.untilMs = 0
    waiting.failures = 0
    this.#start(hub)
  }

  /** Ends what is under way; resolves when it has. */
  async stop(): Promise<void> {
    this.#stop.abort(new OapError('draining'))
    await Promise.all(this.#running)
  }

  /** Learns what was left in the outbox by an earlier life. */
  async #fill(box: Mailbox): Promise<void> {
    for (const { tenant, hub } of await box.outboxes()) this.#of(hub).tenants.add(tenant)
  }

  #of(hub: string): Waiting {
    const known = this.#hubs.get(hub)
    if (known !== undefined) return known
    const waiting = { tenants: new Set<string>(), isRunning: false, failures: 0, untilMs: 0, why: '' }
    this.#hubs.set(hub, waiting)
    return waiting
  }

  #start(hub: string): void {
    const waiting = this.#hubs.get(hub)
    const box = this.#o.mailbox()
    if (waiting === undefined || box === undefined || this.#stop.signal.aborted) return
    if (waiting.isRunning || this.#o.steadyMs() < waiting.untilMs || !this.#mayTry(hub)) return
    this.#tidy(box, hub, waiting)
    const ready = [...waiting.tenants].filter(tenant => box.outbox(tenant, hub).ready.messages > 0)
    if (ready.length === 0) return
    waiting.isRunning = true
    this.#own(
      this.#run(box, hub, waiting).finally(() => {
        waiting.isRunning = false
      })
    )
  }

  /** What may not go any more is to be given back, also without a link. */
  #mayTry(hub: string): boolean {
    return this.#o.treatyOf(hub) === undefined || this.#o.callerOf(hub) !== undefined
  }

  #tidy(box: Mailbox, hub: string, { tenants }: Waiting): void {
    for (const tenant of tenants) {
      const { ready, delayed } = box.outbox(tenant, hub)
      if (ready.messages + delayed.messages === 0) tenants.delete(tenant)
    }
    if (tenants.size === 0) this.#hubs.delete(hub)
  }

  /** One window of each tenant; the next tick begins the next round unless there is reason to wait. */
  async #run(box: Mailbox, hub: string, waiting: Waiting): Promise<void> {
    for (let hadAny = true; hadAny;) {
      hadAny = false
      for (const tenant of waiting.tenants) {
        if (this.#stop.signal.aborted || !this.#mayTry(hub)) return
        const taken = await box.take({
          topic: outboxOf(tenant, hub),
          most: DIRECTED.window,
          mostBytes: DIRECTED.windowBytes,
          visibilityMs: LEASE_MS,
          isExplicit: true,
          waitMs: 0,
          signal: this.#stop.signal
        })
        if (taken.length === 0) continue
        hadAny = true
        if (!(await this.#deliver(box, hub, waiting, taken))) return
      }
    }
  }

  /** False where the hub is to be left alone for a while. */
  async #deliver(box: Mailbox, hub: string, waiting: Waiting, taken: readonly Taken[]): Promise<boolean> {
    const place: DeliveryPlace = {
      hub,
      treaty: this.#o.treatyOf(hub),
      bookOf: () => this.#o.bookOf(hub),
      caller: this.#o.callerOf(hub),
      signal: this.#stop.signal,
      nowS: this.#o.seconds()
    }
    const ends = await Promise.all(taken.map(one => this.#deliverOne(box, place, one)))
    const failures = ends.filter(end => end.is === 'failed')
    if (failures.length < ends.length) {
      waiting.failures = 0
      waiting.why = ''
      return true
    }
    waiting.failures++
    const retryAfterMs = Math.max(0, ...failures.map(end => end.retryAfterMs ?? 0))
    const delayMs = redeliveryDelayMs({ attempt: waiting.failures, retryAfterMs }, this.#o.random())
    waiting.untilMs = this.#o.steadyMs() + delayMs
    const { why } = failures[0]!
    if (why !== waiting.why)
      this.#o.log.info({ event: 'DeliveryFailed', hub, why }, 'messages for a hub wait, and are tried again')
    waiting.why = why
    return false
  }

  async #deliverOne(box: Mailbox, place: DeliveryPlace, taken: Taken): Promise<Attempted> {
    try {
      const end = await attempt(taken, place)
      if (end.is === 'over') {
        await box.finish(taken, end.word)
        this.#o.attempted('refused' in end.word ? 'refused' : 'delivered')
      } else {
        this.#o.attempted('failed')
        if (end.receipt !== undefined) this.#o.noReceipt(place.hub, end.receipt.why, end.receipt.id)
        await this.#putOff(box, taken, end)
      }
      return end
    } catch (error) {
      this.#o.attempted('failed')
      this.#o.log.warn(
        { event: 'DeliveryBroken', hub: place.hub, err: error },
        'a delivery could not be dealt with'
      )
      return { is: 'failed', why: 'broken' }
    }
  }

  async #putOff(box: Mailbox, taken: Taken, { why, retryAfterMs }: Extract<Attempted, { is: 'failed' }>) {
    if (this.#stop.signal.aborted) return box.release([taken])
    const { tenant, topic, id } = taken.message
    const { lease } = box.delivery(taken, true)
    const delayMs = redeliveryDelayMs({ attempt: taken.lease.attempt, retryAfterMs }, this.#o.random())
    await box.nack({ tenant, topic }, [{ msg_id: id, lease: lease! }], { delayMs, reason: why })
  }

  /** Waits for it at the end, and lets nothing go unheard. */
  #own(work: Promise<void>): void {
    const running = work.catch((err: unknown) => {
      if (this.#stop.signal.aborted) return
      this.#o.log.warn({ event: 'OutboxFailed', err }, 'the outbox could not be read and is read again')
    })
    this.#running.add(running)
    void running.finally(() => this.#running.delete(running))
  }
}
