import { STATES } from '../stores/mailbox/types.ts'
import type { Change, Due, StoredMessage, Topic } from '../stores/mailbox/types.ts'
import { expiring, failAll } from './failing.ts'
import type { MailboxParts } from './parts.ts'
import { expiryOf } from './parts.ts'
import { placeOf } from './place.ts'
import { announce } from './storing.ts'

/** Leases, due messages and topics dealt with in one go. */
const AT_ONCE = 256
const TOPICS_AT_ONCE = 16
const SWEEP_EVERY_MS = 1000
const FORGET_KEYS_EVERY_MS = 60_000
const PRIORITIES = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]

/** What time does to messages: leases pass, delays end, what is too old goes. */
export class Upkeep {
  readonly #parts: MailboxParts
  /** Unix ms; 0 while it is not known. */
  #nextDueMs = 0
  #sweptAt = -Infinity
  #keysForgottenAt = -Infinity
  #sweepAfter: Topic | undefined
  #isRunning = false

  constructor(parts: MailboxParts) {
    this.#parts = parts
  }

  /** Something was stored that is due at this time. */
  dueAt(ms: number): void {
    if (ms < this.#nextDueMs) this.#nextDueMs = ms
  }

  /** To be called about ten times a second; a call while another runs does nothing. */
  async tick(now: number): Promise<void> {
    if (this.#isRunning) return
    this.#isRunning = true
    try {
      await this.#passLeases(now)
      if (now >= this.#nextDueMs) await this.#dealWithDue(now)
      await this.#sweep(now)
      await this.#forgetKeys(now)
      this.#parts.queues.tidy()
    } finally {
      this.#isRunning = false
    }
  }

  async #passLeases(now: number): Promise<void> {
    for (;;) {
      const passed = this.#parts.leases.passed(now, AT_ONCE)
      if (passed.length > 0) await failAll(this.#parts, passed, { outcome: 'expired' })
      if (passed.length < AT_ONCE) return
    }
  }

  async #dealWithDue(now: number): Promise<void> {
    const { store } = this.#parts
    // Whatever is stored meanwhile counts from here on.
    this.#nextDueMs = Infinity
    let isDone: boolean
    let isStuck = false
    do {
      const due = await store.due(now, AT_ONCE)
      const dealtWith = due.length === 0 ? 0 : await this.#dealWith(due, now)
      isStuck = due.length > 0 && dealtWith === 0
      isDone = due.length < AT_ONCE || isStuck
    } while (!isDone)
    const next = (await store.nextDueMs()) ?? Infinity
    // What is under lease and has expired stays due until the lease ends.
    this.dueAt(next <= now ? now + SWEEP_EVERY_MS : next)
  }

  /** How many of what is due were moved or removed. */
  async #dealWith(due: readonly Due[], now: number): Promise<number> {
    const { store, queues, leases, counts } = this.#parts
    const seen = new Set<string>()
    const free = due.filter(({ place: { tenant, topic, id } }) => {
      const key = `${tenant}\n${topic}\n${id}`
      const isNew = !seen.has(key) && leases.find({ tenant, topic }, id) === undefined
      seen.add(key)
      return isNew
    })
    const changes: Change[] = []
    for (const one of free) changes.push(...(await this.#changesFor(one, now)))
    if (changes.length === 0) return 0
    for (const change of changes) if (change.do === 'remove') queues.removed(change.place)
    const outcomes = await store.commit(changes)
    for (const [n, change] of changes.entries()) {
      if (change.do === 'append') announce(this.#parts, change.message, outcomes[n])
      else if (outcomes[n]?.is !== 'done') continue
      else if (change.do === 'promote') queues.exposed(change.place, change.place)
      else counts.expired++
    }
    return free.length
  }

  async #changesFor({ what, state, place }: Due, now: number): Promise<Change[]> {
    if (state === 'dead') return [{ do: 'discard', place }]
    if (what === 'not_before') return [{ do: 'promote', place }]
    const message = await this.#parts.store.find(place, place.id)
    return message === undefined ? [{ do: 'remove', place }] : expiring(this.#parts, message, now)
  }

  /** Goes round the topics, some at a time: the oldest messages stand first. */
  async #sweep(now: number): Promise<void> {
    if (now - this.#sweptAt < SWEEP_EVERY_MS) return
    this.#sweptAt = now
    const after = this.#sweepAfter
    const topics = await this.#parts.store.topics({ limit: TOPICS_AT_ONCE, ...(after && { after }) })
    this.#sweepAfter = topics.length < TOPICS_AT_ONCE ? undefined : topics.at(-1)
    for (const { tenant, topic, byPriority, dead } of topics) {
      const one = { tenant, topic }
      if (this.#parts.isPurged(tenant)) {
        await this.#purge(one)
        continue
      }
      for (const priority of PRIORITIES)
        if (byPriority[priority]! > 0) await this.#expireOld(one, priority, now)
      if (dead.bytes > this.#parts.rules.of(topic).deadBytes) await this.#boundDead(one)
    }
  }

  /** Its tenant is gone for ever. */
  async #purge(topic: Topic): Promise<void> {
    for (const state of STATES) await this.#parts.store.purge(topic, state)
  }

  async #expireOld(topic: Topic, priority: number, now: number): Promise<void> {
    const { store, queues, leases, counts, rules } = this.#parts
    const [first] = await store.read(topic, { priority, limit: 1 })
    if (first === undefined || expiryOf(first, rules) > now) return
    for (let after: StoredMessage | undefined; ;) {
      const found: readonly StoredMessage[] = await store.read(topic, {
        priority,
        limit: AT_ONCE,
        ...(after && { after })
      })
      after = found.at(-1)
      const old = found.filter(
        message => expiryOf(message, rules) <= now && leases.find(topic, message.id) === undefined
      )
      if (old.length > 0) {
        for (const message of old) queues.removed(message)
        const changes = old.flatMap(message => expiring(this.#parts, message, now))
        const outcomes = await store.commit(changes)
        for (const [n, change] of changes.entries())
          if (change.do === 'append') announce(this.#parts, change.message, outcomes[n])
        counts.expired += old.length
      }
      if (old.length < found.length || found.length === 0) return
    }
  }

  async #boundDead(topic: Topic): Promise<void> {
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
    }
  }

  async #forgetKeys(now: number): Promise<void> {
    if (now - this.#keysForgottenAt < FORGET_KEYS_EVERY_MS) return
    this.#keysForgottenAt = now
    await this.#parts.store.forgetIdemKeys(now)
  }
}
