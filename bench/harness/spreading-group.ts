import { performance } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import { Child } from './child.ts'
import { threadsCpuMicrosOf } from './process-files.ts'
import { ringWithChords } from './ring.ts'
import { spreadOfMessages, type Arrival, type MessageSpread, type SentByOne } from './spread-of-messages.ts'
import type { Sending } from './spreading-member.ts'

const START_MS = 120_000
const MEET_MS = 120_000
const READY_MS = 300_000
const LOOK_MS = 250
const ANSWER_MS = 60_000

export interface SpreadingEnds {
  readonly name: string
  /**
   * Run once for each member. It answers `self`, what others have to know of it; `meet` with that of all, its own place
   * and those that it dials; `introduction`, what it says of itself once it has met the others, and `acquaint` with that
   * of all; `isReady`; and what `SpreadingMember` has, by its names.
   */
  readonly script: URL
  readonly args: readonly string[]
}

export interface Phase {
  readonly bytes: number
  /** In all. */
  readonly perSecond: number
  readonly forMs: number
  /** How long it is waited for the last message once all are acknowledged. */
  readonly settleMs: number
  /** How long for what is missing then, which counts as missing all the same, so that it is not in the way of the next phase. */
  readonly lingerMs?: number
}

export interface PhaseResult extends MessageSpread {
  /** Of all members, for each message that came to one, in microseconds; with what they do besides. */
  readonly cpuMicros: number
}

/** Members in processes of their own, linked in a ring with chords, that have what one of them sends come to all. */
export class SpreadingGroup implements AsyncDisposable {
  readonly #members: readonly Child[]
  readonly #owned: AsyncDisposableStack
  #phase = 0

  private constructor(members: readonly Child[], owned: AsyncDisposableStack) {
    this.#members = members
    this.#owned = owned
  }

  /** Resolves once what one sends comes to all. */
  static async start({ name, script, args }: SpreadingEnds, members: number): Promise<SpreadingGroup> {
    await using started = new AsyncDisposableStack()
    const all = Array.from({ length: members }, (_, n) =>
      started.use(Child.start(`${name} ${n}`, script, args))
    )
    const others = await eachOf(all, child => child.ask('self', { withinMs: START_MS }))
    const dials = ringWithChords(members)
    await eachOf(all, (child, at) =>
      child.ask('meet', { args: { others, at, dials: dials[at]! }, withinMs: MEET_MS })
    )
    const introductions = await eachOf(all, child => child.ask('introduction', { withinMs: MEET_MS }))
    await eachOf(all, child => child.ask('acquaint', { args: { introductions }, withinMs: MEET_MS }))
    await ready(name, all)
    return new SpreadingGroup(all, started.move())
  }

  get pids(): readonly number[] {
    return this.#members.map(({ pid }) => pid)
  }

  /** All members send at an even pace, one after the other, and it is waited for what comes of it. */
  async phase({ bytes, perSecond, forMs, settleMs, lingerMs = 0 }: Phase): Promise<PhaseResult> {
    const phase = ++this.#phase
    const members = this.#members.length
    const cpu = this.#cpuMicros()
    const sent = await eachOf(this.#members, (child, from) => {
      const each = perSecond / members
      const args: Sending = { phase, from, bytes, perSecond: each, forMs, afterMs: (from * 1000) / perSecond }
      return child.ask<SentByOne>('send', { args, withinMs: forMs + ANSWER_MS })
    })
    const due = spreadOfMessages(
      sent,
      sent.map(() => [])
    ).due
    await this.#settled(phase, due, settleMs)
    const cpuMicros = this.#cpuMicros() - cpu
    const spread = spreadOfMessages(sent, await this.#taken(phase))
    if (spread.missing > 0) {
      await this.#settled(phase, spread.missing, lingerMs)
      await this.#taken(phase)
    }
    return { ...spread, cpuMicros: cpuMicros / Math.max(1, spread.due - spread.missing) }
  }

  async #settled(phase: number, due: number, withinMs: number): Promise<void> {
    for (const end = performance.now() + withinMs; performance.now() < end; await sleep(LOOK_MS)) {
      const counts = await eachOf(this.#members, child =>
        child.ask<number>('count', { args: { phase }, withinMs: ANSWER_MS })
      )
      if (counts.reduce((sum, count) => sum + count, 0) >= due) return
    }
  }

  #taken(phase: number): Promise<Arrival[][]> {
    return eachOf(this.#members, child =>
      child.ask<Arrival[]>('taken', { args: { phase }, withinMs: ANSWER_MS })
    )
  }

  #cpuMicros(): number {
    return this.pids.reduce((sum, pid) => sum + threadsCpuMicrosOf(pid), 0)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#owned.disposeAsync()
  }
}

async function ready(name: string, members: readonly Child[]): Promise<void> {
  for (const end = performance.now() + READY_MS; performance.now() < end; await sleep(LOOK_MS)) {
    const all = await eachOf(members, child => child.ask<boolean>('isReady', { withinMs: ANSWER_MS }))
    if (all.every(is => is)) return
  }
  throw new Error(`${name}: what one sends does not come to all within ${READY_MS / 1000} s`)
}

const eachOf = <T>(members: readonly Child[], ask: (child: Child, at: number) => Promise<T>): Promise<T[]> =>
  Promise.all(members.map(ask))
