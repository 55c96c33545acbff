import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import fc from 'fast-check'
import { OapError } from '../../protocols/index.ts'
import { openLevel } from '../stores/level.ts'
import { RULE, bodyOf, openTestMailbox } from './mailbox.fixture.ts'
import type { TestMailbox } from './mailbox.fixture.ts'
import { comesBefore } from './place.ts'
import type { Taken } from './receiving.ts'

const MOST_ATTEMPTS = 3
const BOUNDS = { ofTopic: 4, ofTenant: 6, ofNode: 8 }
const RULES = [
  { pattern: 'moves', rule: { ...RULE, maxAttempts: MOST_ATTEMPTS, deadLetterTopic: 'moved' } },
  { pattern: '**', rule: { ...RULE, maxAttempts: MOST_ATTEMPTS } }
]
const TOPICS = [
  { tenant: 'paris', topic: 'orders' },
  { tenant: 'paris', topic: 'moves' },
  { tenant: 'paris', topic: 'moved' },
  { tenant: 'rome', topic: 'orders' }
] as const
const SETTLING_ROUNDS = 300

interface Known {
  readonly at: number
  id: string | undefined
  /** Unix ms: what it must not come before, by the latest time that there was. */
  readyAt: number
  state: 'sending' | 'refused' | 'alive' | 'gone'
}

interface Held {
  readonly taken: Taken
  readonly item: { readonly msg_id: string; readonly lease: string }
  readonly known: Known
  isOver: boolean
  /** What is being done with it, so that nothing is certain. */
  busy: number
}

/** Draws from 0 to below 1, the same for the same seed. */
function drawing(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}

/** What is known of a mailbox while many things are done with it at once; what must not be goes into `faults`. */
class World {
  readonly box: TestMailbox
  readonly faults: string[] = []
  readonly messages = new Map<string, Known>()
  readonly held: Held[] = []
  readonly pending = new Set<Promise<void>>()
  readonly #draw: () => number
  #latest: number
  isRefusing = true

  constructor(box: TestMailbox, seed: number) {
    this.box = box
    this.#draw = drawing(seed)
    this.#latest = box.time.nowMs
    this.#watch()
  }

  /** One commit in six is refused, and one note of attempts in twelve. */
  #watch(): void {
    const { store } = this.box
    const [commit, note] = [store.commit.bind(store), store.noteAttempts.bind(store)]
    const isRefused = (part: number): boolean => this.isRefusing && this.#draw() < 1 / part
    store.commit = async changes => {
      if (isRefused(6)) throw new OapError('saturated')
      return await commit(changes)
    }
    store.noteAttempts = async notes => {
      if (isRefused(12)) throw new OapError('saturated')
      await note(notes)
    }
  }

  /** Runs on while other things are done. What is refused is as if it had not been asked for. */
  begin(work: Promise<void>): void {
    const run = work
      .catch((error: unknown) => {
        if (!(error instanceof OapError)) this.faults.push(String(error))
      })
      .finally(() => this.pending.delete(run))
    this.pending.add(run)
  }

  async send(at: number, priority: number, delayMs: number): Promise<void> {
    const body = `m${this.messages.size}`
    const readyAt = this.box.time.nowMs + delayMs
    const known: Known = { at, id: undefined, readyAt, state: 'sending' }
    this.messages.set(body, known)
    const not_before = delayMs > 0 ? readyAt : undefined
    try {
      known.id = await this.box.send(body, { ...TOPICS[at]!, priority, not_before, idem_key: body })
      if (known.state === 'sending') known.state = 'alive'
    } catch (error) {
      known.state = 'refused'
      throw error
    }
  }

  async take(
    at: number,
    most: number,
    visibilityMs: number,
    waitMs: number,
    signal?: AbortSignal
  ): Promise<void> {
    const gone = new Set([...this.messages].filter(([, { state }]) => state === 'gone').map(([body]) => body))
    const taken = await this.box.take(most, {
      topic: TOPICS[at]!,
      visibilityMs,
      waitMs: signal === undefined ? waitMs : undefined,
      ...(signal && { signal })
    })
    for (const [n, one] of taken.entries()) {
      const body = bodyOf(one)
      const known = this.messages.get(body)!
      const isMoved = TOPICS[known.at]!.topic === 'moves' && at === known.at + 1
      if (at !== known.at && !isMoved) this.faults.push(`${body} came from another topic`)
      if (gone.has(body)) this.faults.push(`${body} came after it was gone`)
      if (known.state === 'refused') this.faults.push(`${body} came though it was refused`)
      if (known.readyAt > this.#latest) this.faults.push(`${body} came before its time`)
      if (one.lease.attempt > MOST_ATTEMPTS) this.faults.push(`${body} came too often`)
      if (n > 0 && !comesBefore(taken[n - 1]!.message, one.message)) this.faults.push(`${body} out of order`)
      if (this.held.some(held => held.known === known && this.#lives(held) && held.busy === 0))
        this.faults.push(`${body} came while it was leased`)
      this.held.push({ taken: one, item: this.box.item(one), known, isOver: false, busy: 0 })
    }
    this.#checkBounds()
  }

  #checkBounds(): void {
    if (this.box.mailbox.leases > BOUNDS.ofNode) this.faults.push('too many leases')
  }

  #lives({ isOver, taken }: Held): boolean {
    return !isOver && this.box.time.steadyMs < taken.lease.deadlineMs
  }

  pick(n: number): Held | undefined {
    return this.held[n % Math.max(1, this.held.length)]
  }

  async settle(held: Held, what: 'ack' | 'nack', delayMs = 0): Promise<void> {
    const { item, taken, known } = held
    const [lives, isAlone, nowMs] = [this.#lives(held), held.busy === 0, this.box.time.nowMs]
    held.busy++
    try {
      const [result] = await this.box.mailbox[what](taken.message, [item], { delayMs })
      const isAccepted = result!.status === 0
      if (isAccepted && !lives) this.faults.push(`a stale ${what} was accepted`)
      if (!isAccepted && lives && isAlone) this.faults.push(`a good ${what} was refused: ${result!.code}`)
      if (!isAccepted) return
      held.isOver = true
      if (what === 'ack') known.state = 'gone'
      else if (taken.lease.attempt < MOST_ATTEMPTS)
        known.readyAt = Math.min(nowMs, this.box.time.nowMs) + delayMs
    } finally {
      held.busy--
    }
  }

  extend(held: Held, visibilityMs: number): void {
    const [lives, isAlone] = [this.#lives(held), held.busy === 0]
    const [result] = this.box.mailbox.extend(held.taken.message, [held.item], visibilityMs)
    if ((result!.status === 0) !== lives && isAlone) this.faults.push('extend was judged wrongly')
  }

  release(held: Held): void {
    if (!this.#lives(held) || held.busy > 0) return
    held.isOver = true
    this.box.mailbox.release([held.taken])
  }

  async delete(n: number): Promise<void> {
    const known = [...this.messages.values()][n % Math.max(1, this.messages.size)]
    if (known?.id === undefined) return
    const isLeased = (held: Held): boolean => held.known === known && this.#lives(held) && held.busy === 0
    const holder = this.held.find(isLeased)
    await this.box.mailbox.delete(TOPICS[known.at]!, known.id)
    // It may have been given back while it was looked for.
    if (holder !== undefined && isLeased(holder)) this.faults.push('a leased message was deleted')
    known.state = 'gone'
  }

  async pass(ms: number): Promise<void> {
    const { time, mailbox } = this.box
    time.move(ms)
    this.#latest = Math.max(this.#latest, time.nowMs)
    await mailbox.tick(time.nowMs)
  }

  async restart(): Promise<void> {
    this.box.mailbox.drain()
    await Promise.all(this.pending)
    await this.box.restart()
    this.#watch()
    for (const held of this.held) held.isOver = true
  }

  /** Whoever waits gets everything that was not acknowledged, once nothing is refused any more. */
  async finish(): Promise<void> {
    this.isRefusing = false
    this.box.time.move(3_600_000)
    this.#latest = this.box.time.nowMs
    await this.pass(0).catch(() => undefined)
    await Promise.all(this.pending)
    const leaving = new AbortController()
    const receive = async (at: number): Promise<void> => {
      while (!leaving.signal.aborted) {
        const from = this.held.length
        await this.take(at, 3, 30_000, 0, leaving.signal)
        const mine = this.held.slice(from).filter(({ taken }) => taken.message.topic === TOPICS[at]!.topic)
        for (const held of mine) await this.settle(held, 'ack')
      }
    }
    for (const at of TOPICS.keys()) this.begin(receive(at))
    const isLeft = (): boolean => [...this.messages.values()].some(({ state }) => state === 'alive')
    for (let rounds = 0; rounds < SETTLING_ROUNDS && isLeft(); rounds++) {
      await this.pass(1000)
      for (const topic of TOPICS) await this.box.mailbox.redrive(topic, { max: 100 })
      for (let turns = 0; turns < 5; turns++) await turn()
    }
    leaving.abort()
    await Promise.all(this.pending)
    const left = [...this.messages].filter(([, { state }]) => state === 'alive').map(([body]) => body)
    assert.deepEqual({ left, faults: this.faults }, { left: [], faults: [] })
    assert.equal(this.box.mailbox.leases, 0)
    for (const topic of TOPICS) assert.equal((await this.box.mailbox.stats(topic)).depth, 0)
  }
}

type Step = (world: World) => void

const at = fc.nat(TOPICS.length - 1)
const many = fc.nat(60)
const withHeld =
  (n: number, act: (world: World, held: Held) => void): Step =>
  world => {
    const held = world.pick(n)
    if (held !== undefined) act(world, held)
  }
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.tuple(at, fc.nat(9), fc.constantFrom(0, 0, 0, 300)).map(
      ([topic, priority, ms]): Step =>
        world =>
          world.begin(world.send(topic, priority, ms))
    )
  },
  {
    weight: 6,
    arbitrary: fc
      .tuple(at, fc.integer({ min: 1, max: 4 }), fc.integer({ min: 250, max: 1000 }), fc.constantFrom(0, 500))
      .map(
        ([topic, most, visibilityMs, waitMs]): Step =>
          world =>
            world.begin(world.take(topic, most, visibilityMs, waitMs))
      )
  },
  {
    weight: 4,
    arbitrary: many.map(n => withHeld(n, (world, held) => world.begin(world.settle(held, 'ack'))))
  },
  {
    weight: 3,
    arbitrary: fc
      .tuple(many, fc.constantFrom(0, 150, 700))
      .map(([n, ms]) => withHeld(n, (world, held) => world.begin(world.settle(held, 'nack', ms))))
  },
  { weight: 2, arbitrary: many.map(n => withHeld(n, (world, held) => world.extend(held, 500))) },
  { weight: 1, arbitrary: many.map(n => withHeld(n, (world, held) => world.release(held))) },
  {
    weight: 1,
    arbitrary: many.map(
      (n): Step =>
        world =>
          world.begin(world.delete(n))
    )
  },
  {
    weight: 3,
    arbitrary: fc.integer({ min: 1, max: 6 }).map(
      (n): Step =>
        world =>
          world.begin(world.pass(n * 100))
    )
  },
  {
    weight: 1,
    arbitrary: fc.integer({ min: 1, max: 5000 }).map(
      (ms): Step =>
        world =>
          world.box.time.setBack(ms)
    )
  }
)
/** What is done at once, how many turns it is given, and whether the process dies then. */
const stretch = fc.tuple(
  fc.array(step, { minLength: 1, maxLength: 8 }),
  fc.nat(4),
  fc.oneof({ weight: 15, arbitrary: fc.constant(false) }, { weight: 1, arbitrary: fc.constant(true) })
)

test('many things at once, of tenants and topics that share the room for leases, while commits are refused and the clock is set back', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(stretch, { minLength: 5, maxLength: 25 }),
      fc.nat(),
      async (stretches, seed) => {
        const given = { rules: RULES, leaseBounds: BOUNDS }
        const box = await openTestMailbox(await openLevel('memory'), given)
        try {
          const world = new World(box, seed)
          for (const [steps, turns, dies] of stretches) {
            for (const run of steps) run(world)
            for (let n = 0; n < turns; n++) await turn()
            if (dies) await world.restart()
          }
          await world.finish()
        } finally {
          await box.close()
        }
      }
    ),
    { numRuns: 200, endOnFailure: false }
  )
})
