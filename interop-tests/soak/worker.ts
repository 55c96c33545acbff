import { setTimeout as sleep } from 'node:timers/promises'
import { connect } from 'omnigate/sdk'
import type { NodeConnection } from 'omnigate/sdk'
import { outcomeOf } from '../faults/calls.ts'
import { CLEAR } from '../faults/fault-plan.ts'
import { FaultProxy } from '../faults/fault-proxy.ts'
import { Dice } from '../faults/random.ts'
import { ACTIVITIES } from './activities.ts'
import type { Visit } from './activities.ts'
import { DEADLINE_MS, explained } from './calls.ts'
import type { Watch } from './watch.ts'

/** How long one cycle may take before it counts as hung; each of its calls has a deadline of its own. */
const CYCLE_MS = 6 * DEADLINE_MS
const AFTER_FAILURE_MS = 20

/** What happened in the cycles of all workers, calls that count apart. */
export interface Tally {
  cycles: number
  /** Calls that were refused, by activity and code. */
  readonly refused: Record<string, number>
  readonly broken: string[]
}

export interface WorkerOptions {
  readonly watch: Watch
  /** Bytes of the heap that are kept of each cycle. */
  readonly leak: number
}

/** Goes through the activities again and again; both encryptions take turns. */
export class Worker implements AsyncDisposable {
  readonly #address: string
  readonly #proxy: FaultProxy
  readonly #dice: Dice
  readonly #watch: Watch
  readonly #leak: number
  readonly #leaked: string[] = []
  #turn: number

  private constructor(address: string, proxy: FaultProxy, seed: number, { watch, leak }: WorkerOptions) {
    this.#address = address
    this.#proxy = proxy
    this.#dice = new Dice(seed)
    this.#watch = watch
    this.#leak = leak
    this.#turn = seed % Object.keys(ACTIVITIES).length
  }

  static async start(address: string, seed: number, options: WorkerOptions): Promise<Worker> {
    const target = Number(/\/tcp\/(\d+)/.exec(address)![1])
    return new Worker(address, await FaultProxy.listen({ target, seed }), seed, options)
  }

  /** Runs whole cycles until `isOver` says so, or one is broken. */
  async run(tally: Tally, isOver: () => boolean): Promise<void> {
    const names = Object.keys(ACTIVITIES)
    while (!isOver() && tally.broken.length === 0) {
      const turn = this.#turn++
      const name = names[turn % names.length]!
      const encryption = Math.floor(turn / names.length) % 2 === 0 ? 'noise' : 'tls'
      const since = this.#watch.now()
      let failure: unknown
      const outcome = await outcomeOf(name, CYCLE_MS, async () => {
        try {
          await ACTIVITIES[name]!(this.#visit(encryption))
        } catch (error) {
          failure = error
          throw error
        }
      })
      tally.cycles++
      // Those that were refused come in bursts while a node is away.
      if (this.#leak > 0 && outcome.kind !== 'refused')
        this.#leaked.push(Buffer.alloc(this.#leak, 'x').toString('latin1'))
      if (outcome.kind === 'broken') tally.broken.push(`${name} over ${encryption}: ${outcome.text}`)
      if (outcome.kind !== 'refused') continue
      const key = `${name}: ${outcome.code}`
      tally.refused[key] = (tally.refused[key] ?? 0) + 1
      const mayFail = name.endsWith('in the middle') || explained(failure, this.#watch.met(since))
      if (mayFail) await sleep(AFTER_FAILURE_MS)
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
      connect: () => this.#watch.call('connect', () => dial(this.#address)),
      call: (kind, make) => this.#watch.call(kind, make),
      connectThrough: async plan => {
        this.#proxy.use(plan)
        const hub = await dial(this.#address.replace(/\/tcp\/\d+/, `/tcp/${this.#proxy.port}`))
        this.#proxy.use(CLEAR)
        return hub
      }
    }
  }
}
