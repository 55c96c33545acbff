import { connect } from 'omnigate/sdk'
import type { NodeConnection } from 'omnigate/sdk'
import { outcomeOf } from '../faults/calls.ts'
import { CLEAR } from '../faults/fault-plan.ts'
import { FaultProxy } from '../faults/fault-proxy.ts'
import { Dice } from '../faults/random.ts'
import { ACTIVITIES, DEADLINE_MS } from './activities.ts'
import type { Visit } from './activities.ts'

/** How long one cycle may take before it counts as hung; each of its calls has a deadline of its own. */
const CYCLE_MS = 3 * DEADLINE_MS
/** What a call is told that did not come to its end in time. */
const LATE_CODES: ReadonlySet<string> = new Set(['deadline', 'slow_peer'])

/** What happened in the cycles of all workers. */
export interface Tally {
  cycles: number
  /** Calls that were refused, by activity and code. */
  readonly refused: Record<string, number>
  /** Cycles that missed a deadline without being asked for trouble: the machine's doing, unless they are many. */
  late: number
  readonly broken: string[]
}

/** Goes through the activities again and again; both encryptions take turns. */
export class Worker implements AsyncDisposable {
  readonly #address: string
  readonly #proxy: FaultProxy
  readonly #dice: Dice
  readonly #leak: number
  readonly #leaked: string[] = []
  #turn: number

  private constructor(address: string, proxy: FaultProxy, seed: number, leak: number) {
    this.#address = address
    this.#proxy = proxy
    this.#dice = new Dice(seed)
    this.#leak = leak
    this.#turn = seed % Object.keys(ACTIVITIES).length
  }

  /** `leak`: bytes of the heap that are kept of each cycle. */
  static async start(address: string, seed: number, { leak = 0 } = {}): Promise<Worker> {
    const target = Number(/\/tcp\/(\d+)/.exec(address)![1])
    return new Worker(address, await FaultProxy.listen({ target, seed }), seed, leak)
  }

  /** Runs whole cycles until `isOver` says so, or one is broken; a late one is counted. */
  async run(tally: Tally, isOver: () => boolean): Promise<void> {
    const names = Object.keys(ACTIVITIES)
    while (!isOver() && tally.broken.length === 0) {
      const turn = this.#turn++
      const name = names[turn % names.length]!
      const encryption = Math.floor(turn / names.length) % 2 === 0 ? 'noise' : 'tls'
      const outcome = await outcomeOf(name, CYCLE_MS, () => ACTIVITIES[name]!(this.#visit(encryption)))
      tally.cycles++
      if (this.#leak > 0) this.#leaked.push(Buffer.alloc(this.#leak, 'x').toString('latin1'))
      if (outcome.kind === 'broken') tally.broken.push(`${name} over ${encryption}: ${outcome.text}`)
      if (outcome.kind !== 'refused') continue
      const key = `${name}: ${outcome.code}`
      tally.refused[key] = (tally.refused[key] ?? 0) + 1
      if (name.endsWith('in the middle')) continue
      if (LATE_CODES.has(outcome.code)) tally.late++
      else tally.broken.push(`${key}, ${outcome.why}`)
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#proxy[Symbol.asyncDispose]()
  }

  #visit(encryption: 'noise' | 'tls'): Visit {
    const dial = (address: string): Promise<NodeConnection> =>
      connect(address, { encryption: [encryption], dialTimeoutMs: DEADLINE_MS })
    return {
      dice: this.#dice,
      connect: () => dial(this.#address),
      connectThrough: async plan => {
        this.#proxy.use(plan)
        const hub = await dial(this.#address.replace(/\/tcp\/\d+/, `/tcp/${this.#proxy.port}`))
        this.#proxy.use(CLEAR)
        return hub
      }
    }
  }
}
