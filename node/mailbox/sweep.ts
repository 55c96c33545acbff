import { STATES } from '../stores/mailbox/types.ts'
import type { Change, Place, StoredMessage, Topic } from '../stores/mailbox/types.ts'
import { timeOf } from '../stores/mailbox/ulid.ts'
import { expiring } from './failing.ts'
import { OldestReady } from './oldest-ready.ts'
import type { MailboxParts } from './parts.ts'
import { placeOf } from './place.ts'
import { takeAway } from './taking-away.ts'

/** From the beginning of a round to that of the next, at least. */
const ROUND_EVERY_MS = 1000
/** Looks at the store in one tick, and bytes that they may read. */
const LOOKS = 64
const LOOK_BYTES = 4 * 1024 * 1024
const TOPICS_AT_ONCE = 256
const AT_ONCE = 128
/** How long a tick waits for a purge, which goes on by itself. */
const PURGE_WAIT_MS = 50
const PRIORITIES = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]

/** Yields after each look at the store how many bytes it read. */
type Looks = AsyncGenerator<number, void>

/** Goes round the topics for what has no timer of its own: retention, the bounds by bytes, tenants that are gone. */
export class Sweep {
  readonly #parts: MailboxParts
  readonly #closed = new AbortController()
  #round: Looks | undefined
  #roundAt = -Infinity
  #errors: unknown[] = []

  constructor(parts: MailboxParts) {
    this.#parts = parts
  }

  /** Goes on where it stopped, a little. One topic that fails hinders no other; the first error is thrown at the end. */
  async goOn(): Promise<void> {
    const steadyMs = this.#parts.steady()
    if (this.#round === undefined) {
      if (steadyMs - this.#roundAt < ROUND_EVERY_MS) return
      this.#roundAt = steadyMs
      this.#round = this.#topics()
    }
    this.#errors = []
    let bytes = 0
    for (let looks = 0; looks < LOOKS && bytes < LOOK_BYTES && !this.#closed.signal.aborted; looks++) {
      const look = await this.#next(this.#round)
      if (look === undefined) break
      bytes += look
    }
    if (this.#errors.length > 0) throw this.#errors[0]
  }

  close(): void {
    this.#closed.abort()
  }

  /** Undefined at the end of the round. */
  async #next(round: Looks): Promise<number | undefined> {
    try {
      const { done, value } = await round.next()
      if (done !== true) return value
    } catch (error) {
      this.#errors.push(error)
    }
    this.#round = undefined
    return undefined
  }

  async *#topics(): Looks {
    for (let after: Topic | undefined; ;) {
      const found = await this.#parts.store.topics({ limit: TOPICS_AT_ONCE, ...(after && { after }) })
      for (const { tenant, topic } of found) {
        try {
          yield* this.#topic({ tenant, topic })
        } catch (error) {
          if (this.#parts.store.failure !== undefined) throw error
          if (!this.#closed.signal.aborted) this.#errors.push(error)
        }
      }
      after = found.at(-1)
      if (found.length < TOPICS_AT_ONCE) return
    }
  }

  async *#topic(topic: Topic): Looks {
    if (this.#parts.isPurged(topic.tenant)) return yield* this.#purge(topic)
    const { byPriority } = this.#parts.store.counts(topic)
    for (const priority of PRIORITIES) if (byPriority[priority]! > 0) yield* this.#expireOld(topic, priority)
    yield* this.#boundReady(topic)
    yield* this.#boundDead(topic)
  }

  /** Its tenant is gone for ever. */
  async *#purge(topic: Topic): Looks {
    const { store, queues, setTimer, clearTimer } = this.#parts
    for (const state of STATES) {
      let isOver = false
      const purging = store
        .purge(topic, state, { signal: this.#closed.signal })
        .finally(() => (isOver = true))
      do {
        const pause = Promise.withResolvers<void>()
        const timer = setTimer(pause.resolve, PURGE_WAIT_MS)
        await Promise.race([purging, pause.promise]).finally(() => clearTimer(timer))
        yield isOver ? 0 : LOOK_BYTES
      } while (!isOver)
    }
    queues.forget(topic)
  }

  /**
   * The oldest stand first, and what is not old by its id ends it. Rows with a time of their own are passed over, since a
   * timer names them, and so is what is under lease: it goes when the lease ends.
   */
  async *#expireOld(topic: Topic, priority: number): Looks {
    const { store, leases, rules, now } = this.#parts
    const { retentionMs } = rules.of(topic.topic)
    let after: StoredMessage | undefined
    let limit = 1
    for (;;) {
      const found: readonly StoredMessage[] = await store.read(topic, {
        priority,
        limit,
        ...(after && { after })
      })
      after = found.at(-1)
      if (after === undefined) return
      const nowMs = now()
      const isOld = ({ id }: StoredMessage): boolean => timeOf(id) + retentionMs <= nowMs
      const old = found.filter(
        message =>
          isOld(message) && message.expiresAtMs === undefined && leases.find(topic, message.id) === undefined
      )
      if (old.length > 0) await this.#expire(old, nowMs)
      yield bytesOf(found)
      if (!isOld(after)) return
      limit = AT_ONCE
    }
  }

  /** Only those that are still as they were read: others were worked off meanwhile, or moved. */
  async #expire(messages: readonly StoredMessage[], now: number): Promise<void> {
    const { store, queues, counts } = this.#parts
    const places = messages.map(placeOf)
    const others: Place[] = []
    const changes: Change[] = []
    const outcomes = await takeAway(this.#parts, places, async () => {
      const found = await Promise.all(places.map(place => store.find(place, place.id)))
      for (const [n, message] of found.entries()) {
        const isSame = message?.state === 'ready' && message.expiresAtMs === messages[n]!.expiresAtMs
        if (isSame) changes.push(...expiring(this.#parts, message, now))
        else others.push(places[n]!)
      }
      return changes
    })
    queues.stayed(others)
    for (const [n, change] of changes.entries())
      if (change.do === 'remove' && outcomes[n]?.is === 'done') counts.expired++
  }

  /** The oldest go first, whatever their priority; what is under lease counts, and stays. */
  async *#boundReady(topic: Topic): Looks {
    const { store, leases, rules, now } = this.#parts
    const most = rules.of(topic.topic).retentionBytes
    const over = (): number => store.counts(topic).ready.bytes - most
    const oldest = new OldestReady(store, topic)
    while (over() > 0) {
      const { messages, bytes } = await oldest.next(AT_ONCE)
      if (messages.length === 0) return
      let left = over()
      const going = messages.filter(message => {
        if (left <= 0 || leases.find(topic, message.id) !== undefined) return false
        left -= message.bytes
        return true
      })
      if (going.length > 0) await this.#expire(going, now())
      yield bytes
    }
  }

  async *#boundDead(topic: Topic): Looks {
    const { store, counts, rules } = this.#parts
    const most = rules.of(topic.topic).deadBytes
    for (;;) {
      let over = store.counts(topic).dead.bytes - most
      if (over <= 0) return
      const found = await store.deadLetters(topic, { limit: AT_ONCE })
      const oldest = found.filter(({ bytes }) => {
        const goes = over > 0
        over -= bytes
        return goes
      })
      if (oldest.length === 0) return
      await store.commit(oldest.map(letter => ({ do: 'discard', place: placeOf(letter) })))
      counts.expired += oldest.length
      yield bytesOf(found)
    }
  }
}

const bytesOf = (messages: readonly StoredMessage[]): number =>
  messages.reduce((sum, { bytes }) => sum + bytes, 0)
