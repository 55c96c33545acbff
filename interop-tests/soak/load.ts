import { Dice } from '../faults/random.ts'
import { Availability } from './availability.ts'
import { Latencies } from './latencies.ts'
import type { Window } from './latencies.ts'
import { MailboxTraffic } from './mailbox-traffic.ts'
import { Restarts } from './restarts.ts'
import type { Ending, SoakNode } from './soak-node.ts'
import { Watch } from './watch.ts'
import { Worker } from './worker.ts'
import type { Tally } from './worker.ts'

const WORKERS = 3

export interface LoadOptions {
  readonly seed: number
  /** Bytes that the client keeps of each cycle. */
  readonly leak: number
  /** The window of latencies in which the present is. */
  readonly windowAt: () => Window | undefined
}

/** All that a run does to its node: cycles of connections, a mailbox in use, restarts. */
export class Load implements AsyncDisposable {
  readonly tally: Tally = { cycles: 0, refused: {}, broken: [] }
  readonly restarts = new Restarts()
  readonly availability = new Availability()
  readonly latencies: Latencies
  readonly #watch: Watch
  readonly #node: SoakNode
  readonly #traffic: MailboxTraffic
  readonly #workers: Worker[] = []

  private constructor(node: SoakNode, { seed, windowAt }: LoadOptions) {
    this.#node = node
    this.latencies = new Latencies(windowAt)
    this.#watch = new Watch(this.restarts, this.availability, (kind, ms) => this.latencies.add(kind, ms))
    this.#traffic = new MailboxTraffic({
      address: node.address,
      watch: this.#watch,
      dice: new Dice(seed + WORKERS),
      broken: text => this.tally.broken.push(text)
    })
  }

  static async start(node: SoakNode, options: LoadOptions): Promise<Load> {
    const load = new Load(node, options)
    const { leak, seed } = options
    for (let i = 0; i < WORKERS; i++)
      load.#workers.push(await Worker.start(node.address, seed + i, { watch: load.#watch, leak }))
    return load
  }

  /** Messages whose sending was acknowledged. */
  get stored(): number {
    return this.#traffic.ledger.storedCount
  }

  /** True once something happened that nothing explains: no more work is begun. */
  get isBroken(): boolean {
    return this.violations.length > 0
  }

  /** What must not be, so far. */
  get violations(): readonly string[] {
    return [...this.tally.broken, ...this.#traffic.ledger.violations]
  }

  /** Works until `isOver`, then ends every cycle and takes all messages. */
  async run(isOver: () => boolean): Promise<void> {
    const ends = (): boolean => isOver() || this.isBroken
    await Promise.all([this.#traffic.run(ends), ...this.#workers.map(worker => worker.run(this.tally, ends))])
  }

  /** Announces a restart and makes it; messages that nobody had taken must be there afterwards. */
  async restart(ending: Ending): Promise<void> {
    const owed = await this.#traffic.hold()
    await this.restarts.during(async () => {
      this.tally.broken.push(...(await this.#node.restart(ending)))
    })
    this.tally.broken.push(...(await this.#traffic.takeHeld(owed)))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const worker of this.#workers) await worker[Symbol.asyncDispose]()
  }
}
