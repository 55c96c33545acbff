import type { TestContext } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { openLevel } from '../stores/level.ts'
import type { Level } from '../stores/level.ts'
import { NO_MARK } from '../stores/mailbox/batch-mark.ts'
import type { BatchMark } from '../stores/mailbox/batch-mark.ts'
import { LevelMailboxStore } from '../stores/mailbox/index.ts'
import type { Directing } from './directing.ts'
import { LEASE_BOUNDS } from './leases.ts'
import type { LeaseBounds } from './leases.ts'
import { Mailbox } from './mailbox.ts'
import type { MailboxCounts } from './parts.ts'
import type { Taken, Taking } from './receiving.ts'
import type { Outgoing } from './sending.ts'
import { TopicRules } from './topic-rules.ts'
import type { RuleFor, TopicRule } from './topic-rules.ts'

export const START_MS = 1_800_000_000_000
export const TOPIC = { tenant: 'paris', topic: 'orders' }
export const WINDOW_MS = 300_000
const MIB = 1024 * 1024

export const RULE: TopicRule = {
  maxAttempts: 5,
  retentionMs: 7 * 86_400_000,
  retentionBytes: 100 * MIB,
  deadRetentionMs: 14 * 86_400_000,
  deadBytes: MIB,
  depth: 1000
}

export interface Given {
  readonly rules?: readonly RuleFor[]
  readonly tenantBytes?: number
  readonly leaseBounds?: Partial<LeaseBounds>
  readonly purged?: Set<string>
  readonly directing?: Directing
}

/** Time as the mailbox of a test sees it: it stands still until it is moved. */
export class TestTime {
  /** What the clock says, which may be set. */
  nowMs = START_MS
  /** What has passed, whatever the clock says. */
  steadyMs = 0
  #timers: { readonly at: number; readonly run: () => void }[] = []

  readonly setTimer = (run: () => void, ms: number): unknown => {
    const timer = { at: this.steadyMs + ms, run }
    this.#timers.push(timer)
    return timer
  }

  readonly clearTimer = (timer: unknown): void => {
    this.#timers = this.#timers.filter(one => one !== timer)
  }

  move(ms: number): void {
    this.nowMs += ms
    this.steadyMs += ms
    for (const timer of this.#timers.filter(({ at }) => at <= this.steadyMs)) {
      this.clearTimer(timer)
      timer.run()
    }
  }

  /** Somebody sets the clock. */
  setBack(ms: number): void {
    this.nowMs -= ms
  }
}

/** What is stored can be read for some turns before who stored it is told. */
const SLOW_MARK: BatchMark = {
  ...NO_MARK,
  note: async () => {
    for (let turns = 0; turns < 3; turns++) await turn()
  }
}

/** A mailbox over a store in memory. */
export async function testMailbox(t: TestContext, given: Given = {}): Promise<TestMailbox> {
  const box = await openTestMailbox(await openLevel('memory'), given)
  t.after(() => box.close())
  return box
}

/** A mailbox over rows that are closed with it. */
export async function openTestMailbox(level: Level, given: Given = {}): Promise<TestMailbox> {
  const time = new TestTime()
  const open = (): Promise<LevelMailboxStore> =>
    LevelMailboxStore.open(level, { now: () => time.nowMs, idemWindowMs: WINDOW_MS, mark: SLOW_MARK })
  return new TestMailbox({ level, time, open }, await open(), given)
}

interface Rows {
  readonly level: Level
  readonly time: TestTime
  readonly open: () => Promise<LevelMailboxStore>
}

export class TestMailbox {
  readonly time: TestTime
  readonly counts: MailboxCounts = { redelivered: 0, dead: 0, expired: 0, receiptsDropped: 0 }
  readonly #rows: Rows
  /** As they were given, since a restart makes others. */
  readonly #tokens = new WeakMap<Taken['lease'], string>()
  readonly #given: Given
  store: LevelMailboxStore
  mailbox: Mailbox
  boot = 1
  /** What `Math.random` would say. */
  random = 0.5

  constructor(rows: Rows, store: LevelMailboxStore, given: Given) {
    this.time = rows.time
    this.#rows = rows
    this.#given = given
    this.store = store
    this.mailbox = this.#make()
  }

  #make(): Mailbox {
    const { rules = [], tenantBytes = 100 * MIB, leaseBounds, purged, directing } = this.#given
    return new Mailbox({
      store: this.store,
      boot: this.boot,
      rules: new TopicRules(rules, RULE),
      signer: { hub: 'h1test', delegation: '{}', sign: () => new Uint8Array(64) },
      tenantBytes,
      readAheadBytes: 4 * MIB,
      counts: this.counts,
      directing,
      isPurged: tenant => purged?.has(tenant) === true,
      now: () => this.time.nowMs,
      steady: () => this.time.steadyMs,
      random: () => this.random,
      timers: this.time,
      leaseBounds: { ...LEASE_BOUNDS, ...leaseBounds }
    })
  }

  /** Sends one message; yields its id. */
  async send(body: string, more: Partial<Outgoing> = {}): Promise<string> {
    const [sent] = await this.mailbox.send([{ ...TOPIC, ...more, body: Buffer.from(body) }])
    return sent!.msg_id
  }

  async take(most = 100, more: Partial<Taking> = {}): Promise<readonly Taken[]> {
    const taken = await this.mailbox.take({
      topic: TOPIC,
      most,
      mostBytes: MIB,
      visibilityMs: 30_000,
      isExplicit: true,
      waitMs: 0,
      signal: new AbortController().signal,
      ...more
    })
    for (const one of taken) this.#tokens.set(one.lease, this.mailbox.delivery(one, true).lease!)
    return taken
  }

  /** Bodies of what is taken now. */
  async bodies(most?: number, more: Partial<Taking> = {}): Promise<string[]> {
    return (await this.take(most, more)).map(bodyOf)
  }

  /** What a receiver names when it settles what it took. */
  item(taken: Taken): { readonly msg_id: string; readonly lease: string } {
    return { msg_id: taken.message.id, lease: this.#tokens.get(taken.lease)! }
  }

  async ack(taken: readonly Taken[]): Promise<(string | number)[]> {
    const results = await this.mailbox.ack(
      TOPIC,
      taken.map(one => this.item(one))
    )
    return results.map(({ code, status }) => code ?? status)
  }

  async nack(taken: readonly Taken[], delayMs?: number): Promise<void> {
    const items = taken.map(one => this.item(one))
    await this.mailbox.nack(TOPIC, items, { delayMs, reason: 'not now' })
  }

  /** Lets time pass, and the mailbox see it. */
  async pass(ms: number): Promise<void> {
    this.time.move(ms)
    await this.mailbox.tick(this.time.nowMs)
  }

  /** The process dies and starts again: what was in memory is gone. */
  async restart(): Promise<void> {
    this.mailbox.close()
    await this.store[Symbol.asyncDispose]()
    this.store = await this.#rows.open()
    this.boot++
    this.mailbox = this.#make()
  }

  async close(): Promise<void> {
    this.mailbox.close()
    await this.store[Symbol.asyncDispose]()
    await this.#rows.level.close()
  }
}

export const bodyOf = ({ message }: Taken): string => Buffer.from(message.body).toString()
