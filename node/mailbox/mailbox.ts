import { OapError } from '../../protocols/index.ts'
import type { DeadLetter, MailboxDelivery, WaitingMessage } from '../../protocols/index.ts'
import { nodePlatform } from '../platform.ts'
import type {
  Beside,
  Counts,
  MailboxStore,
  Note,
  Outcome,
  StoredMessage,
  Topic
} from '../stores/mailbox/types.ts'
import { deliverShared } from './delivering.ts'
import type { Delivered } from './delivering.ts'
import { listDead, purgeDead, redrive } from './dead-letters.ts'
import type { Page, PageAsked, Picked, PickedResult } from './dead-letters.ts'
import { toldOfFullDisk } from './full-disk.ts'
import { outboxOf } from './directing.ts'
import type { Directing } from './directing.ts'
import { LEASE_BOUNDS, Leases } from './leases.ts'
import type { LeaseBounds, LeaseRequest } from './leases.ts'
import { peek, remove, stats } from './looking.ts'
import type { TopicStats } from './looking.ts'
import { finish, outboxes } from './outbox.ts'
import type { LastWord } from './outbox.ts'
import { expiryOf } from './parts.ts'
import type { MailboxCounts, MailboxParts, SharedSending } from './parts.ts'
import { Queues } from './queues.ts'
import { deliveryOf, release, take, written } from './receiving.ts'
import type { Taken, Taking } from './receiving.ts'
import type { ReceiptSigner } from './receipts.ts'
import { takeIn } from './taking-in.ts'
import type { Incoming, TakenIn } from './taking-in.ts'
import { sendAll } from './sending.ts'
import type { Outgoing, Sent } from './sending.ts'
import { ack, extend, nack } from './settling.ts'
import type { ItemResult, LeaseItem, NackOptions } from './settling.ts'
import { Statements } from './statements.ts'
import type { TopicRules } from './topic-rules.ts'
import { Upkeep } from './upkeep.ts'

export interface MailboxOptions {
  readonly store: MailboxStore
  /** Counts the starts of the node. */
  readonly boot: number
  readonly rules: TopicRules
  readonly signer: ReceiptSigner
  readonly tenantBytes: number
  /** Bytes of messages read ahead for receivers, in all. */
  readonly readAheadBytes: number
  readonly counts: MailboxCounts
  /** Unix ms. */
  readonly now: () => number
  /** Without it nothing goes to other hubs. */
  readonly directing?: Directing | undefined
  /** True for a tenant of which nothing is to be kept. */
  readonly isPurged?: (tenant: string) => boolean
  /** What goes to other hubs; nothing without it. */
  readonly shared?: SharedSending | undefined
  /** Ms of a clock that cannot be set, for what lasts. */
  readonly steady?: () => number
  readonly random?: () => number
  readonly timers?: Pick<MailboxParts, 'setTimer' | 'clearTimer'>
  readonly leaseBounds?: LeaseBounds
}

const timersOf = ({ setTimer, clearTimer }: Pick<MailboxParts, 'setTimer' | 'clearTimer'>) => ({
  setTimer,
  clearTimer
})

const steadyMs = (): number => Math.floor(performance.now())

/** A lease that passes with the next tick. */
const failedLease = ({ attempts, bytes }: StoredMessage, deadlineMs: number): LeaseRequest => ({
  attempt: attempts,
  deadlineMs,
  bytes,
  asksForReceipts: false
})

/**
 * Topics, leases and dead letters over a store. Time passes for it when `tick` is called. Its leases live as long as it
 * does; everything else is the store's. Whatever writes for a caller throws OapError `disk_full` where the disk gets full.
 * @see specs/mailbox.md
 */
export class Mailbox {
  readonly #parts: MailboxParts
  readonly #upkeep: Upkeep
  readonly #stop = new AbortController()

  constructor({
    store,
    boot,
    rules,
    signer,
    tenantBytes,
    readAheadBytes,
    counts,
    now,
    ...rest
  }: MailboxOptions) {
    const { random = Math.random, leaseBounds = LEASE_BOUNDS, timers = nodePlatform } = rest
    const { isPurged = () => false, steady = steadyMs, shared = () => undefined, directing } = rest
    const leases = new Leases(boot, leaseBounds, () => this.#parts.queues.roomMade())
    const isFresh = (message: StoredMessage): boolean => {
      if (expiryOf(message, rules) <= now()) return false
      if (message.attempts < rules.of(message.topic).maxAttempts) return true
      // The process died during its last attempt: that one has failed, too.
      leases.give(message, failedLease(message, steady()))
      return false
    }
    const queues = new Queues({ store, leases, isFresh, readAheadBytes })
    const dropped = (): void => void counts.receiptsDropped++
    const statements = new Statements({ store, rules, tenantBytes, signer, dropped })
    const dueAt = (ms: number): void => this.#upkeep.dueAt(ms)
    this.#parts = {
      store,
      leases,
      queues,
      rules,
      statements,
      counts,
      tenantBytes,
      shared,
      isPurged,
      directing,
      now,
      steady,
      random,
      dueAt,
      ...timersOf(timers)
    }
    this.#upkeep = new Upkeep(this.#parts)
  }

  get leases(): number {
    return this.#parts.leases.size
  }

  get receivers(): number {
    return this.#parts.queues.receivers
  }

  get heldBytes(): number {
    return this.#parts.queues.heldBytes
  }

  /** Aborts when no receiver is served any more; with an OapError for its reason where waiting is to end with that. */
  get stopped(): AbortSignal {
    return this.#stop.signal
  }

  /** All or none, 1 to 1024; resolves once they would survive a power cut. */
  send(messages: readonly Outgoing[]): Promise<Sent[]> {
    return toldOfFullDisk(sendAll(this.#parts, messages))
  }

  /** Stores a message of another hub with its note, both or none. Durable as `send`. */
  receive(incoming: Incoming): Promise<TakenIn> {
    return toldOfFullDisk(takeIn(this.#parts, incoming))
  }

  /** What is kept of a note that is durable. */
  note(name: string): Promise<Uint8Array | undefined> {
    return this.#parts.store.note(name)
  }

  /** Keeps a note by itself; resolves once it would survive a power cut. */
  async keepNote(note: Note): Promise<Outcome> {
    const [outcome] = await toldOfFullDisk(this.#parts.store.commit([{ do: 'note', note }]))
    return outcome!
  }

  /** Takes notes away by their names, from `from` on and before `to`. */
  forgetNotes(from: string, to: string): Promise<void> {
    return this.#parts.store.forgetNotes(from, to)
  }

  /** Which tenants have messages that wait for which hubs. */
  outboxes(): Promise<readonly { readonly tenant: string; readonly hub: string }[]> {
    return outboxes(this.#parts.store)
  }

  /** What waits for a hub, of one tenant. */
  outbox(tenant: string, hub: string): Counts {
    return this.#parts.store.counts(outboxOf(tenant, hub))
  }

  /** Takes a message out of the outbox and tells its sender. Durable as `ack`. */
  finish(taken: Taken, word: LastWord): Promise<void> {
    return toldOfFullDisk(finish(this.#parts, taken, word))
  }

  /**
   * Stores a message that another hub's tenant sent, with what says that it came; resolves once both would survive a power
   * cut. Throws `mailbox_full`.
   */
  async deliver(message: Delivered): Promise<void> {
    await toldOfFullDisk(deliverShared(this.#parts, message))
  }

  /** Writes rows of others in the order of what is stored. */
  async writeBeside(beside: Beside): Promise<void> {
    await toldOfFullDisk(this.#parts.store.commit([{ do: 'beside', beside }]))
  }

  /** Leases messages, none when there are none in time. Whoever takes them must write, release or settle them. */
  async take(taking: Taking): Promise<readonly Taken[]> {
    return await toldOfFullDisk(take(this.#parts, taking))
  }

  delivery(taken: Taken, isExplicit: boolean): MailboxDelivery {
    return deliveryOf(this.#parts, taken, isExplicit)
  }

  /** True while its lease lives and has at least half of its time left. */
  isFresh({ lease }: Taken, visibilityMs: number): boolean {
    const { leases, steady } = this.#parts
    const isHeld = !lease.isEnding && leases.find(lease.place, lease.place.id) === lease
    return isHeld && lease.deadlineMs - steady() >= visibilityMs / 2
  }

  /** To be told once deliveries were written to their stream. */
  async written(taken: readonly Taken[], isExplicit: boolean): Promise<void> {
    await written(this.#parts, taken, isExplicit)
  }

  /** Puts messages back that did not leave. */
  release(taken: readonly Taken[]): void {
    release(this.#parts, taken)
  }

  async ack(topic: Topic, items: readonly LeaseItem[]): Promise<ItemResult[]> {
    return await toldOfFullDisk(ack(this.#parts, topic, items))
  }

  async nack(topic: Topic, items: readonly LeaseItem[], options: NackOptions = {}): Promise<ItemResult[]> {
    return await toldOfFullDisk(nack(this.#parts, topic, items, options))
  }

  extend(topic: Topic, items: readonly LeaseItem[], visibilityMs: number): ItemResult[] {
    return extend(this.#parts, topic, items, visibilityMs)
  }

  async delete(topic: Topic, id: string): Promise<void> {
    await toldOfFullDisk(remove(this.#parts, topic, id))
  }

  async peek(topic: Topic, page: PageAsked): Promise<Page<WaitingMessage>> {
    return await peek(this.#parts, topic, page)
  }

  async stats(topic: Topic): Promise<TopicStats> {
    return await stats(this.#parts, topic)
  }

  async deadLetters(topic: Topic, page: PageAsked): Promise<Page<DeadLetter>> {
    return await listDead(this.#parts, topic, page)
  }

  async redrive(topic: Topic, picked: Picked): Promise<PickedResult> {
    return await toldOfFullDisk(redrive(this.#parts, topic, picked))
  }

  async purgeDead(topic: Topic, picked: Picked): Promise<PickedResult> {
    return await toldOfFullDisk(purgeDead(this.#parts, topic, picked))
  }

  /**
   * What time does; to be called about ten times a second with Unix ms. What cannot be done now is done later: when it rejects,
   * all that could be done was, unless the store has failed.
   */
  async tick(now: number): Promise<void> {
    await this.#upkeep.tick(now)
  }

  /** Ends all waiting: receivers get nothing, subscriptions end. Sends and settlements go on. */
  drain(): void {
    this.#stop.abort()
    this.#parts.queues.end()
  }

  /** Ends all waiting with an error; the store has failed or closes. */
  close(): void {
    const error = new OapError('not_ready')
    this.#stop.abort(error)
    this.#parts.queues.end(error)
    this.#upkeep.close()
  }
}
