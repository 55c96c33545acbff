import { createHash } from 'node:crypto'
import type { Breakage, Invariant, Violation } from './breakages.ts'
import { Gossip } from './gossip.ts'
import { Hub } from './hub.ts'
import type { World } from './hub.ts'
import { Network } from './network.ts'
import type { Op } from './network.ts'
import { afterHealing, believed, inBounds } from './invariants.ts'
import { sharesIn } from './names.ts'
import { saysTwo } from './plan.ts'
import type { Plan, PlannedEvent } from './plan.ts'
import { VirtualTime } from './virtual-time.ts'

const TICK_MS = 250
const MISCHIEF_TICKS = 80
const LOOK_TICKS = 40
/** After so long from healing, all must hold. */
const HEALED_MS = 300_000
const LOOKED_MS = 10_000
const MOST_VIOLATIONS = 20
/** All hubs have started by then. */
const STARTED_MS = 10_000

export interface SimulationOptions {
  readonly breakage?: Breakage | undefined
  /** What is counted is counted from then on, in milliseconds. */
  readonly countedFromMs?: number | undefined
}

export interface Outcome {
  readonly violations: readonly Violation[]
  /** SHA-256 of all that happened. */
  readonly trace: string
  readonly sent: number
  readonly delivered: number
  readonly stops: number
  /** Hubs that have a liar in quarantine in the end, over all liars that said two things. */
  readonly quarantines: number
  /** Liars both of whose messages honest hubs have, one this and one that; and those of them that nobody has proof of. */
  readonly believed: { readonly liars: number; readonly unproved: number }
  /** Proofs that told a hub outside of a share its id and a topic: they hold both statements as they were signed. */
  /** Milliseconds from healing until all held; as long as was waited where it did not. */
  readonly healedMs: number
  readonly events: number
  readonly calls: Readonly<Record<Op, { readonly calls: number; readonly bytes: number }>>
  readonly gossip: Gossip['counts']
}

/** Runs what was planned, heals all, and says what did not hold. */
export function simulate(plan: Plan, options: SimulationOptions = {}): Promise<Outcome> {
  return new Simulation(plan, options).run()
}

/** Hubs that are on each other's allowlist: all members of a share, and friends. */
export function* pairsOf({ shares, friends }: Plan): Generator<readonly [number, number]> {
  for (const { members } of shares)
    for (const [n, one] of members.entries()) for (const other of members.slice(n + 1)) yield [one, other]
  yield* friends
}

class Simulation {
  readonly #plan: Plan
  readonly #time = new VirtualTime()
  readonly #network: Network
  readonly #gossip: Gossip
  readonly #hubs: readonly Hub[]
  readonly #ids: ReadonlyMap<string, Hub>
  readonly #byNumber: ReadonlyMap<number, Hub>
  readonly #hash = createHash('sha256')
  readonly #violations: Violation[] = []
  readonly #unblock = new Set<() => void>()
  readonly #copies = new Map<number, Awaited<ReturnType<Hub['copy']>>>()
  readonly #stoppedUntil = new Map<number, number>()
  readonly #acknowledged = new Map<string, Hub>()
  #delivered = 0
  #stops = 0

  constructor(plan: Plan, { breakage, countedFromMs }: SimulationOptions) {
    this.#plan = plan
    const time = this.#time
    const { seed, lostOf100 } = plan
    const trace = (line: string): void => {
      if (line.startsWith('delivered')) this.#delivered++
      this.#hash.update(`${time.ms} ${line}\n`)
    }
    const members = new Map(plan.shares.map(share => [share.n, new Set(share.members)]))
    const carried = (to: number, bytes: Uint8Array): void => {
      for (const share of sharesIn(bytes))
        if (members.get(share)?.has(to) !== true)
          this.#broken('outsiders', `hub ${to} was sent something of share ${share}`)
    }
    this.#network = new Network(
      {
        seed,
        time,
        trace,
        carried: ({ from, to, is, payload }) => {
          // Whoever asks for what is not its own knows it already, and so does whoever hears it from there.
          const isCurious = plan.liars.get(is === 'request' ? from : to) === 'curious'
          if (!isCurious || is === 'answer') carried(to, payload)
        }
      },
      pairsOf(plan)
    )
    const network = this.#network
    this.#gossip = new Gossip({ seed, time, network, lostOf100, carried })
    const world: World = {
      plan,
      time,
      network,
      gossip: this.#gossip,
      breakage,
      trace,
      broken: (invariant, detail) => this.#broken(invariant, detail),
      hubOf: id => this.#ids.get(id)!,
      acknowledged: (hub, text) => {
        trace(`sent ${hub.n} ${text}`)
        this.#acknowledged.set(text, hub)
      }
    }
    const neighbours = new Map<number, Set<number>>(plan.hubs.map(n => [n, new Set()]))
    for (const [a, b] of network.pairs) {
      neighbours.get(a)!.add(b)
      neighbours.get(b)!.add(a)
    }
    this.#hubs = plan.hubs.map(n => new Hub(n, world, [...neighbours.get(n)!]))
    if (countedFromMs !== undefined)
      time.after(countedFromMs, () => {
        this.#network.reset()
        this.#gossip.reset()
      })
    this.#byNumber = new Map(this.#hubs.map(hub => [hub.n, hub]))
    this.#ids = new Map(this.#hubs.map(hub => [hub.name.id, hub]))
  }

  async run(): Promise<Outcome> {
    const { events, spanMs } = this.#plan
    for (const [n, hub] of this.#hubs.entries())
      this.#time.after((n * STARTED_MS) / this.#hubs.length, () => hub.start())
    for (const event of events) this.#schedule(event)
    this.#tick(1)
    await this.#time.until(spanMs, () => this.#isOver)
    // What healing costs is no matter of the plan.
    const calls = structuredClone(this.#network.counts)
    const gossip = { ...this.#gossip.counts }
    const healedMs = await this.#healed()
    return {
      violations: this.#violations,
      trace: this.#hash.digest('hex'),
      sent: this.#acknowledged.size,
      delivered: this.#delivered,
      stops: this.#stops,
      quarantines: this.#quarantines(),
      believed: await believed(this.#hubs),
      healedMs,
      events: this.#time.events,
      calls,
      gossip
    }
  }

  /** Waits until all holds, or has to say what does not. */
  async #healed(): Promise<number> {
    for (const unblock of this.#unblock) unblock()
    for (const hub of this.#hubs) hub.start()
    const began = this.#time.ms
    for (;;) {
      if (this.#isOver) return this.#time.ms - began
      await this.#time.until(this.#time.ms + LOOKED_MS, () => this.#isOver)
      const found = await afterHealing(this.#hubs, this.#network, this.#acknowledged)
      const waitedMs = this.#time.ms - began
      const isLost = found.some(({ invariant }) => invariant === 'once' || invariant === 'numbers')
      if (found.length > 0 && !isLost && waitedMs < HEALED_MS) continue
      for (const { invariant, detail } of found) this.#broken(invariant, detail)
      return waitedMs
    }
  }

  #schedule(event: PlannedEvent): void {
    const time = this.#time
    time.after(event.atMs, () => this.#happens(event))
    if (event.is !== 'restore') return
    time.after(Math.max(0, event.atMs - event.agoMs), () =>
      time.go(
        this.#byNumber
          .get(event.hub)!
          .copy()
          .then(copy => this.#copies.set(event.n, copy))
      )
    )
  }

  #happens(event: PlannedEvent): void {
    if (event.is === 'split') {
      const side = new Set(event.side)
      return this.#block((a, b) => side.has(a) !== side.has(b), event.forMs)
    }
    if (event.is === 'cut') {
      const pair = [event.hub, event.to]
      return this.#block((a, b) => pair.includes(a) && pair.includes(b) && a !== b, event.forMs)
    }
    const hub = this.#byNumber.get(event.hub)!
    if (event.is === 'stop') return this.#time.go(this.#stop(hub, event.forMs))
    if (event.is === 'restore') return this.#time.go(this.#stop(hub, event.forMs, this.#copies.get(event.n)))
    const { process } = hub
    if (process?.isUp !== true) return
    if (event.is === 'take') this.#time.go(process.take())
    else this.#time.go(process.send(event.share))
  }

  async #stop(hub: Hub, forMs: number, copy?: Awaited<ReturnType<Hub['copy']>>): Promise<void> {
    this.#hash.update(`${this.#time.ms} stop ${hub.n}\n`)
    this.#stops++
    const until = Math.max(this.#time.ms + forMs, this.#stoppedUntil.get(hub.n) ?? 0)
    this.#stoppedUntil.set(hub.n, until)
    await hub.stop()
    if (copy !== undefined) await hub.restore(copy)
    this.#time.after(until - this.#time.ms, () => {
      if (this.#stoppedUntil.get(hub.n) === until) hub.start()
    })
  }

  #block(isBlocked: (a: number, b: number) => boolean, forMs: number): void {
    const unblock = this.#network.block(isBlocked)
    this.#unblock.add(unblock)
    this.#time.after(forMs, unblock)
  }

  #tick(turn: number): void {
    this.#time.after(TICK_MS, () => {
      const running = this.#hubs.filter(({ process }) => process?.isUp === true)
      for (const { process } of running) process!.tick()
      if (turn % 4 === 0) this.#gossip.beat()
      if (turn % MISCHIEF_TICKS === 0)
        for (const { process } of running) process!.mischief(turn / MISCHIEF_TICKS)
      if (turn % LOOK_TICKS === 0)
        for (const hub of running)
          for (const found of inBounds(hub, this.#network)) this.#broken('memory', found)
      this.#tick(turn + 1)
    })
  }

  /** What did not hold once will not hold again. */
  get #isOver(): boolean {
    return this.#violations.length > 0
  }

  #quarantines(): number {
    const liars = this.#hubs.filter(({ lie }) => saysTwo(lie))
    return liars.reduce(
      (sum, { n }) =>
        sum + this.#hubs.filter(hub => hub.process?.isUp === true && hub.process.isQuarantined(n)).length,
      0
    )
  }

  #broken(invariant: Invariant, detail: string): void {
    this.#hash.update(`${this.#time.ms} broken ${invariant} ${detail}\n`)
    if (this.#violations.length < MOST_VIOLATIONS) this.#violations.push({ invariant, detail })
  }
}
