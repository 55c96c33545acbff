import { FaultProxy } from '../faults/fault-proxy.ts'
import { bothWays } from '../faults/fault-plan.ts'
import type { LinkPlan } from '../faults/fault-plan.ts'
import { Dice } from '../faults/random.ts'
import type { Island } from './island.ts'

/** The share of all hubs of a trial, and its topic. */
export const SHARE = { id: '7d02b8e64f9a4c31a5e8d1f03b6c9274', name: 'straits' }
export const TOPIC = 'straits/all'

/** What lies between two hubs: all that passes goes through a proxy. */
export class Strait implements AsyncDisposable {
  readonly ends: readonly [Island, Island]
  readonly #proxy: FaultProxy

  private constructor(ends: readonly [Island, Island], proxy: FaultProxy) {
    this.ends = ends
    this.#proxy = proxy
  }

  /** The first allows the second and dials it; the second waits for it. */
  static async open(from: Island, to: Island, seed: number): Promise<Strait> {
    const port = Number(/\/tcp\/(\d+)/.exec(to.hub.address)![1])
    const proxy = await FaultProxy.listen({ target: port, seed })
    const address = to.hub.address.replace(/\/tcp\/\d+/, `/tcp/${proxy.port}`)
    await allow(to, from, [])
    await allow(from, to, [address])
    return new Strait([from, to], proxy)
  }

  /** Draws what befalls it from here on. Yields a word for it. */
  befall(seed: number): string {
    const dice = new Dice(seed)
    const fate = dice.pick(['clear', 'split', 'split', 'one way', 'slow', 'lossy', 'corrupt', 'cut'])
    this.heal()
    if (fate === 'split') this.#split('both')
    else if (fate === 'one way') this.#split(dice.pick(['up', 'down']))
    else if (fate !== 'clear') this.#proxy.use(planOf(fate, dice))
    return fate
  }

  heal(): void {
    this.#proxy.clear()
    this.#proxy.heal()
  }

  #split(ways: 'both' | 'up' | 'down'): void {
    this.#proxy.partition(ways)
    // Who dials while it lasts gets nowhere.
    const cut = { cuts: [{ atByte: 0, kind: 'partition', ways, forMs: 3_600_000 }] } as const
    this.#proxy.use(ways === 'down' ? { down: cut } : { up: cut })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#proxy[Symbol.asyncDispose]()
  }
}

const LAST_BYTE = 60_000

function planOf(fate: 'slow' | 'lossy' | 'corrupt' | 'cut', dice: Dice): LinkPlan {
  const atByte = dice.between(0, LAST_BYTE)
  if (fate === 'slow') return bothWays({ latencyMs: dice.between(20, 300), jitterMs: dice.between(0, 100) })
  if (fate === 'lossy') return bothWays({ loss: { rate: 0.02, stallMs: dice.between(100, 800) } })
  if (fate === 'corrupt') return { up: { corruption: { fromByte: atByte, rate: 0.05 } } }
  return { down: { cuts: [{ atByte, kind: dice.pick(['reset', 'half-close']) }] } }
}

async function allow(here: Island, there: Island, addresses: readonly string[]): Promise<void> {
  const row = { share: SHARE, dir: 'both', tenant: here.tenant, topics: ['straits/**'], relay: false }
  const treaty = {
    rows: [row],
    verbs: ['echo:call', 'mailbox:send'],
    quotas: { calls_per_s: 1000, bytes_per_s: 16_777_216, streams: 64 }
  }
  const body = Buffer.from(JSON.stringify(treaty))
  await here.operator.federation.peer_add({ hub: there.hub.id, addresses: [...addresses], body })
}
