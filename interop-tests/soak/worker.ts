import { connect } from 'omnigate/sdk'
import type { NodeConnection } from 'omnigate/sdk'
import { outcomeOf } from '../faults/calls.ts'
import { CLEAR } from '../faults/fault-plan.ts'
import { FaultProxy } from '../faults/fault-proxy.ts'
import { Dice } from '../faults/random.ts'
import { ACTIVITIES } from './activities.ts'
import type { Visit } from './activities.ts'

/** How long one cycle may take before it counts as hung. */
const CYCLE_MS = 30_000

/** What happened in the cycles of all workers. */
export interface Tally {
  cycles: number
  /** Calls that were refused, by activity and code. */
  readonly refused: Record<string, number>
  readonly broken: string[]
}

/** Goes through the activities again and again; both encryptions take turns. */
export class Worker implements AsyncDisposable {
  readonly #address: string
  readonly #proxy: FaultProxy
  readonly #dice: Dice
  #turn: number

  private constructor(address: string, proxy: FaultProxy, seed: number) {
    this.#address = address
    this.#proxy = proxy
    this.#dice = new Dice(seed)
    this.#turn = seed % Object.keys(ACTIVITIES).length
  }

  static async start(address: string, seed: number): Promise<Worker> {
    const target = Number(/\/tcp\/(\d+)/.exec(address)![1])
    return new Worker(address, await FaultProxy.listen({ target, seed }), seed)
  }

  /** Runs whole cycles until `isOver` says so, or one is broken. */
  async run(tally: Tally, isOver: () => boolean): Promise<void> {
    const names = Object.keys(ACTIVITIES)
    while (!isOver() && tally.broken.length === 0) {
      const turn = this.#turn++
      const name = names[turn % names.length]!
      const encryption = Math.floor(turn / names.length) % 2 === 0 ? 'noise' : 'tls'
      const outcome = await outcomeOf(name, CYCLE_MS, () => ACTIVITIES[name]!(this.#visit(encryption)))
      tally.cycles++
      if (outcome.kind === 'broken') tally.broken.push(`${name} over ${encryption}: ${outcome.text}`)
      if (outcome.kind !== 'refused') continue
      const key = `${name}: ${outcome.code}`
      tally.refused[key] = (tally.refused[key] ?? 0) + 1
      if (!name.endsWith('in the middle')) tally.broken.push(`${key}, ${outcome.why}`)
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#proxy[Symbol.asyncDispose]()
  }

  #visit(encryption: 'noise' | 'tls'): Visit {
    const dial = (address: string): Promise<NodeConnection> => connect(address, { encryption: [encryption] })
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
