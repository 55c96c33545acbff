import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { openLevel } from '../level.ts'
import { fsckMailbox } from './fsck.ts'
import { NOW_MS } from './level-rows.fixture.ts'
import { LevelMailboxStore } from './mailbox-store.ts'
import { StoreModel } from './store-model.fixture.ts'
import { WINDOW_MS, idem, message } from './store.suite.ts'
import { STATES } from './types.ts'
import type { Change, MailboxStore, Outcome, Place } from './types.ts'

const TOPICS = [
  { tenant: 'paris', topic: 'a' },
  { tenant: 'paris', topic: 'a/b' },
  { tenant: 'rome', topic: 'a' }
]
const PAGE = { limit: 1024 }

const draw = <T>(...of: readonly T[]) => fc.constantFrom(...of)
const soon = fc.option(fc.integer({ min: 0, max: 400 }), { nil: undefined })

const aNew = fc.record({
  do: draw('append' as const),
  topic: draw(...TOPICS),
  priority: draw(0, 4, 9),
  notBefore: soon,
  expires: soon,
  depth: fc.option(fc.integer({ min: 1, max: 6 }), { nil: undefined }),
  key: fc.option(fc.record({ key: draw('k', 'l'), hash: draw(1, 2) }), { nil: undefined })
})
const aMove = fc.record({
  do: draw(
    'remove' as const,
    'promote' as const,
    'postpone' as const,
    'bury' as const,
    'redrive' as const,
    'discard' as const
  ),
  which: fc.nat({ max: 5 }),
  at: soon
})
const aStep = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      is: draw('commit' as const),
      /** Or the next steps go on while it is under way. */
      isAwaited: fc.boolean(),
      parts: fc.array(fc.oneof({ weight: 1, arbitrary: aNew }, aMove), { minLength: 1, maxLength: 6 })
    })
  },
  { weight: 3, arbitrary: fc.record({ is: draw('read' as const), topic: draw(...TOPICS) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      is: draw('note' as const),
      which: fc.nat({ max: 5 }),
      attempts: fc.integer({ min: 1, max: 9 })
    })
  },
  {
    weight: 1,
    arbitrary: fc.record({ is: draw('time' as const), ms: draw(1, 100, WINDOW_MS - 1, WINDOW_MS) })
  },
  { weight: 1, arbitrary: fc.record({ is: draw('close' as const, 'kill' as const, 'forget' as const) }) }
)

test('whatever is asked of a store, closed and killed in between, it holds what the model holds', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(aStep, { maxLength: 40, size: 'max' }), async steps => {
      await using run = await Run.open()

      for (const step of steps) await run.step(step)

      await run.check()
    }),
    { numRuns: 300 }
  )
})

type Step = typeof aStep extends fc.Arbitrary<infer T> ? T : never

class Run implements AsyncDisposable {
  readonly #level
  readonly #model = new StoreModel(WINDOW_MS)
  #store: MailboxStore
  #nowMs = NOW_MS
  #places: Place[] = []
  /** What is under way, in the order of its calls; the model hears of it in that order. */
  #underWay: Promise<() => void>[] = []
  #bodies = 0

  static async open(): Promise<Run> {
    const level = await openLevel('memory')
    return new Run(level, await openOn(level, NOW_MS))
  }

  private constructor(level: Awaited<ReturnType<typeof openLevel>>, store: MailboxStore) {
    this.#level = level
    this.#store = store
  }

  async step(step: Step): Promise<void> {
    if (step.is === 'commit') {
      this.#commit(step.parts.map(part => this.#change(part)))
      if (step.isAwaited) await this.#settled()
      return
    }
    if (step.is === 'read') {
      this.#underWay.push(this.#store.read(step.topic, PAGE).then(() => () => undefined))
      return
    }
    await this.#settled()
    if (step.is === 'note') await this.#note(step.which, step.attempts)
    else if (step.is === 'time') {
      this.#nowMs += step.ms
      await this.#open()
    } else if (step.is === 'forget') await this.#store.forgetIdemKeys(this.#nowMs)
    else {
      if (step.is === 'close') await this.#store[Symbol.asyncDispose]()
      await this.#open()
    }
  }

  async check(): Promise<void> {
    await this.#settled()
    for (const topic of TOPICS) {
      const ready = await this.#store.read(topic, PAGE)
      assert.deepEqual(shown(ready), this.#model.bodies(topic, 'ready'))
      const dead = await this.#store.deadLetters(topic, PAGE)
      assert.deepEqual(shown(dead), this.#model.bodies(topic, 'dead'))
      const counts = this.#store.counts(topic)
      for (const state of STATES)
        assert.equal(counts[state].messages, this.#model.bodies(topic, state).length, state)
      assert.equal(counts.ready.bytes, sum(ready))
      assert.equal(counts.dead.bytes, sum(dead))
    }
    const due = await this.#store.due(this.#nowMs, 1024)
    assert.deepEqual(
      due.map(({ atMs, what, state, place }) => `${atMs} ${what} ${state} ${place.id}`).sort(),
      this.#model.due(this.#nowMs)
    )
    assert.deepEqual((await fsckMailbox(this.#level)).problems, [])
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#store[Symbol.asyncDispose]()
    await this.#level.close()
  }

  #commit(changes: readonly Change[]): void {
    const nowMs = this.#nowMs
    const done = this.#store.commit(changes).then(outcomes => () => this.#done(changes, outcomes, nowMs))
    this.#underWay.push(done)
  }

  #done(changes: readonly Change[], outcomes: readonly Outcome[], nowMs: number): void {
    assert.deepEqual(outcomes, this.#model.commit(changes, nowMs, outcomes))
    for (const [i, { is, id }] of outcomes.entries()) {
      const change = changes[i]!
      if (is === 'done' && change.do === 'append') {
        const { tenant, topic, priority } = change.message
        this.#places.push({ tenant, topic, priority, id: id! })
      }
    }
  }

  async #settled(): Promise<void> {
    const all = await Promise.all(this.#underWay)
    this.#underWay = []
    for (const tell of all) tell()
  }

  async #note(which: number, attempts: number): Promise<void> {
    const place = this.#place(which)
    this.#model.note(place, attempts)
    const history = new Uint8Array(attempts % 2)
    const others = this.#places.slice(-2).map(other => ({ place: other, attempts, history }))
    for (const other of others) this.#model.note(other.place, attempts)
    await this.#store.noteAttempts([{ place, attempts, history }, ...others])
  }

  async #open(): Promise<void> {
    this.#store = await openOn(this.#level, this.#nowMs)
  }

  #change(part: Extract<Step, { is: 'commit' }>['parts'][number]): Change {
    if (part.do === 'append') {
      const { topic, priority, notBefore, expires, depth, key } = part
      return {
        do: 'append',
        message: message(String(this.#bodies++), {
          ...topic,
          priority,
          ...(notBefore !== undefined && { notBeforeMs: this.#nowMs + notBefore }),
          ...(expires !== undefined && { expiresAtMs: this.#nowMs + expires }),
          ...(depth !== undefined && { bounds: { depth, tenantBytes: Infinity } }),
          ...(key !== undefined && { idem: idem(key.key, key.hash) })
        })
      }
    }
    const place = this.#place(part.which)
    const atMs = part.at === undefined ? undefined : this.#nowMs + part.at
    const history = new Uint8Array(3)
    if (part.do === 'postpone')
      return { do: 'postpone', place, notBeforeMs: atMs ?? this.#nowMs, attempts: 1, history }
    if (part.do === 'bury') return { do: 'bury', place, attempts: 2, history, reason: 'r', expiresAtMs: atMs }
    if (part.do === 'redrive') return { do: 'redrive', place, expiresAtMs: atMs }
    return { do: part.do, place }
  }

  #place(which: number): Place {
    return this.#places[which % this.#places.length] ?? { ...TOPICS[0]!, priority: 0, id: '0'.repeat(26) }
  }
}

const openOn = (level: Awaited<ReturnType<typeof openLevel>>, nowMs: number): Promise<LevelMailboxStore> =>
  LevelMailboxStore.open(level, { now: () => nowMs, idemWindowMs: WINDOW_MS })

const shown = (messages: readonly { readonly body: Uint8Array; readonly attempts: number }[]): string[] =>
  messages.map(({ body, attempts }) => `${Buffer.from(body).toString()}:${attempts}`)

const sum = (messages: readonly { readonly bytes: number }[]): number =>
  messages.reduce((total, { bytes }) => total + bytes, 0)
