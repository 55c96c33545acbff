import type { Change, Due, Place } from '../stores/mailbox/types.ts'
import { expiring, failAll } from './failing.ts'
import type { MailboxParts } from './parts.ts'
import { topicKey } from './place.ts'
import { Sweep } from './sweep.ts'
import { takeAway } from './taking-away.ts'

/** Leases and due messages dealt with in one go. */
const AT_ONCE = 256
/** As often at most in one tick, so that nothing waits for the end of all of it. */
const GOES = 16
/** Messages taken away in one commit, which may be large. */
const AWAY_AT_ONCE = 16
/** All that is due is looked through again, however little seems to be. */
const LOOK_EVERY_MS = 60_000
/** What could not be done is tried again. */
const AGAIN_MS = 1000
const FORGET_KEYS_EVERY_MS = 60_000

/** Reading through what is due, a part in each tick. */
interface Look {
  after: Due | undefined
}

/** What time does to messages: leases pass, delays end, what is too old goes. */
export class Upkeep {
  readonly #parts: MailboxParts
  readonly #sweep: Sweep
  /** Unix ms; 0 while it is not known. */
  #nextDueMs = 0
  #look: Look | undefined
  #lookedAt = -Infinity
  #keysForgottenAt = -Infinity
  #isRunning = false

  constructor(parts: MailboxParts) {
    this.#parts = parts
    this.#sweep = new Sweep(parts)
  }

  /** Something was stored, or is not leased any more, that is due at this time. */
  dueAt(ms: number): void {
    if (ms < this.#nextDueMs) this.#nextDueMs = ms
  }

  /**
   * To be called about ten times a second with Unix ms; a call while another runs does nothing. One part that fails hinders no
   * other unless the store has failed; the first error is thrown at the end.
   */
  async tick(now: number): Promise<void> {
    if (this.#isRunning) return
    this.#isRunning = true
    const errors: unknown[] = []
    try {
      for (const part of [
        () => this.#passLeases(),
        () => this.#dealWithDue(now),
        () => this.#sweep.goOn(),
        () => this.#forgetKeys(now)
      ])
        await part().catch((error: unknown) => {
          if (this.#parts.store.failure !== undefined) throw error
          errors.push(error)
        })
      this.#parts.queues.tidy()
    } finally {
      this.#isRunning = false
    }
    if (errors.length > 0) throw errors[0]
  }

  /** Nothing more is begun. */
  close(): void {
    this.#sweep.close()
  }

  async #passLeases(): Promise<void> {
    for (let goes = 0; goes < GOES; goes++) {
      const passed = this.#parts.leases.passed(this.#parts.steady(), AT_ONCE)
      if (passed.length > 0) await failAll(this.#parts, passed, { outcome: 'expired' })
      if (passed.length < AT_ONCE) return
    }
  }

  async #dealWithDue(now: number): Promise<void> {
    const { store } = this.#parts
    const look = (this.#look ??= this.#newLook(now))
    const errors: unknown[] = []
    for (let goes = 0; look !== undefined && goes < GOES; goes++) {
      const due = await store.due(now, AT_ONCE, look.after)
      errors.push(...(await this.#dealWith(due, now)))
      look.after = due.at(-1)
      if (due.length < AT_ONCE) {
        this.#look = undefined
        // What is due and under lease is dealt with when the lease ends.
        this.dueAt((await store.nextDueMs(now)) ?? Infinity)
        break
      }
      await this.#passLeases()
    }
    if (errors.length === 0) return
    // It is still due.
    this.dueAt(now + AGAIN_MS)
    throw errors[0]
  }

  #newLook(now: number): Look | undefined {
    const steadyMs = this.#parts.steady()
    if (now < this.#nextDueMs && steadyMs - this.#lookedAt < LOOK_EVERY_MS) return undefined
    this.#lookedAt = steadyMs
    // Whatever is stored meanwhile counts from here on.
    this.#nextDueMs = Infinity
    return { after: undefined }
  }

  /** Yields what hindered it. */
  async #dealWith(due: readonly Due[], now: number): Promise<readonly unknown[]> {
    const free = new Map<string, Due>()
    for (const one of due) {
      const { place, what } = one
      const key = `${topicKey(place)}\n${place.id}`
      // One that has expired needs no delivery any more.
      if (what === 'not_before' && free.has(key)) continue
      if (this.#parts.leases.find(place, place.id) === undefined) free.set(key, one)
    }
    const isPromoted = ({ what, state }: Due): boolean => what === 'not_before' && state === 'delayed'
    const away = [...free.values()].filter(one => !isPromoted(one))
    const promoted = [...free.values()].filter(isPromoted).map(({ place }) => this.#promote(place))
    const errors = (await Promise.allSettled(promoted)).flatMap(reasonOf)
    for (let at = 0; at < away.length; at += AWAY_AT_ONCE)
      errors.push(...(await this.#removeAll(away.slice(at, at + AWAY_AT_ONCE), now)))
    return errors
  }

  /** Those that cannot go together go one by one, so that none hinders another. */
  async #removeAll(due: readonly Due[], now: number): Promise<readonly unknown[]> {
    const errors = (await Promise.allSettled([this.#remove(due, now)])).flatMap(reasonOf)
    if (errors.length === 0 || due.length === 1 || this.#parts.store.failure !== undefined) return errors
    return (await Promise.allSettled(due.map(one => this.#remove([one], now)))).flatMap(reasonOf)
  }

  /** Each by itself: nobody knows how large they are, and the store takes as many at a time as it has room for. */
  async #promote(place: Place): Promise<void> {
    const [outcome] = await this.#parts.store.commit([{ do: 'promote', place }])
    if (outcome?.is === 'done') this.#parts.queues.exposed(place, place)
  }

  async #remove(due: readonly Due[], now: number): Promise<void> {
    const places = due.map(({ place }) => place)
    const changes: Change[] = []
    const outcomes = await takeAway(this.#parts, places, async () => {
      for (const one of due) changes.push(...(await this.#removalOf(one, now)))
      return changes
    })
    for (const [n, change] of changes.entries())
      if (change.do !== 'append' && outcomes[n]?.is === 'done') this.#parts.counts.expired++
  }

  async #removalOf({ state, place }: Due, now: number): Promise<Change[]> {
    if (state === 'dead') return [{ do: 'discard', place }]
    const message = await this.#parts.store.find(place, place.id)
    return message === undefined ? [{ do: 'remove', place }] : expiring(this.#parts, message, now)
  }

  async #forgetKeys(now: number): Promise<void> {
    const steadyMs = this.#parts.steady()
    if (steadyMs - this.#keysForgottenAt < FORGET_KEYS_EVERY_MS) return
    this.#keysForgottenAt = steadyMs
    await this.#parts.store.forgetIdemKeys(now)
  }
}

const reasonOf = (end: PromiseSettledResult<unknown>): readonly unknown[] =>
  end.status === 'rejected' ? [end.reason] : []
