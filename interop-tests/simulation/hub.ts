import { LEAST_TREATY, grantOf } from '../../federation/index.ts'
import type { TreatyGrant } from '../../federation/index.ts'
import type { AllowedHub } from '../../node/allowlist/index.ts'
import { draw } from '../faults/random.ts'
import type { Breakage, Invariant } from './breakages.ts'
import { Disk } from './disk.ts'
import type { Gossip } from './gossip.ts'
import { HubProcess } from './hub-process.ts'
import { START_S, TENANT, WINDOW_S, nameOf, patternOf, shareIdOf } from './names.ts'
import type { Name } from './names.ts'
import type { Network } from './network.ts'
import type { Lie, Plan } from './plan.ts'
import type { VirtualTime } from './virtual-time.ts'

/** What all hubs of a run have in common. */
export interface World {
  readonly plan: Plan
  readonly time: VirtualTime
  readonly network: Network
  readonly gossip: Gossip
  readonly breakage: Breakage | undefined
  readonly trace: (line: string) => void
  readonly broken: (invariant: Invariant, detail: string) => void
  readonly hubOf: (id: string) => Hub
  /** A sender was told that its message is safe. */
  readonly acknowledged: (hub: Hub, text: string) => void
}

/** Rows of all that is known of shares. */
const SHARE_ROWS = '!shares!'
/** Hubs that differ by this much from the time are within the allowance of any two. */
const MOST_SKEW_MS = 25_000
const MOST_WRITE_MS = 12

type Copy = {
  readonly rows: Awaited<ReturnType<Disk['copy']>>
  readonly taken: ReadonlyMap<string, number>
  readonly sent: number
}

/** One hub: what is durable of it, and the process that runs over that or does not. */
export class Hub {
  readonly n: number
  readonly name: Name
  readonly lie: Lie | undefined
  readonly world: World
  readonly disk: Disk
  readonly skewMs: number
  readonly shares: readonly number[]
  readonly allowed: ReadonlyMap<string, AllowedHub>
  /** What its consumers have acknowledged, and how often; a message of the second map maybe. */
  taken = new Map<string, number>()
  maybeTaken = new Set<string>()
  /** Own messages that a restore may have taken away. */
  readonly excused = new Set<string>()
  readonly sent: string[] = []
  process: HubProcess | undefined
  /** Which audit log it writes: another after a restore. */
  log = 1
  #writes = 0

  constructor(n: number, world: World, neighbours: readonly number[]) {
    const { plan, time } = world
    this.n = n
    this.name = nameOf(n)
    this.lie = plan.liars.get(n)
    this.world = world
    this.skewMs = Math.round((draw(plan.seed, 3, n) - 0.5) * 2 * MOST_SKEW_MS)
    this.shares = plan.shares.filter(({ members }) => members.includes(n)).map(share => share.n)
    this.allowed = new Map(neighbours.map(other => [nameOf(other).id, this.#entry(other)]))
    this.disk = new Disk({
      after: run => time.after(1 + draw(plan.seed, 4, n, this.#writes++) * MOST_WRITE_MS, run),
      isEarly: this.isHonest && world.breakage === 'early'
    })
  }

  get isHonest(): boolean {
    return this.lie === undefined
  }

  breaks(breakage: Breakage): boolean {
    return this.isHonest && this.world.breakage === breakage
  }

  /** Unix seconds by its own clock. */
  readonly nowS = (): number => Math.floor(this.nowMs() / 1000)

  readonly nowMs = (): number => START_S * 1000 + this.world.time.ms + this.skewMs

  /** What it grants another, in its own words. */
  grantTo(other: number): TreatyGrant {
    const { treaty } = this.allowed.get(nameOf(other).id)!
    if (this.lie !== 'curious') return grantOf(treaty)
    return grantOf({ ...treaty, rows: this.world.plan.shares.map(({ n }) => this.#row(n)).slice(0, 64) })
  }

  /** Starts it, unless it runs or starts. */
  start(): void {
    if (this.process !== undefined) return
    const process = new HubProcess(this)
    this.process = process
    this.world.time.go(process.start())
  }

  /** Stops it as a power cut does. */
  async stop(): Promise<void> {
    const { process } = this
    if (process === undefined) return
    process.isGone = true
    this.process = undefined
    const { network, gossip, plan } = this.world
    network.leave(this.n)
    gossip.leave(this.n)
    await this.disk.cut(() => draw(plan.seed, 5, this.n, this.#writes++) < 0.5)
    if (this.breaks('forget')) await this.disk.forget(SHARE_ROWS)
  }

  async copy(): Promise<Copy> {
    const { disk, taken, sent } = this
    return { rows: await disk.copy(), taken: new Map(taken), sent: sent.length }
  }

  /** Puts back what it had; the hub has stopped. */
  async restore({ rows, taken, sent }: Copy): Promise<void> {
    await this.disk.restore(rows)
    this.taken = new Map(taken)
    this.maybeTaken = new Set(taken.keys())
    for (const text of this.sent.slice(sent)) this.excused.add(text)
    if (!this.breaks('unaware')) this.log++
  }

  #entry(other: number): AllowedHub {
    const common = this.world.plan.shares.filter(
      ({ members }) => members.includes(this.n) && members.includes(other)
    )
    const rows = common.map(({ n }) => this.#row(n))
    return {
      hub: nameOf(other).id,
      addresses: [],
      treaty: { ...LEAST_TREATY, window_s: WINDOW_S, rows },
      note: '',
      source: 'store',
      changedAt: undefined
    }
  }

  #row(share: number) {
    const { isRelayed } = this.world.plan.shares.find(({ n }) => n === share)!
    return {
      share: { id: shareIdOf(share), name: `s${share}` },
      dir: 'both' as const,
      tenant: TENANT,
      topics: [patternOf(share)],
      relay: isRelayed
    }
  }
}
