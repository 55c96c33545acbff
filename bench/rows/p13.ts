import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { builtProgram } from '../harness/built-package.ts'
import { threadsCpuMicrosOf } from '../harness/process-files.ts'
import { interleaved } from '../harness/rounds.ts'
import type { Row } from '../harness/row.ts'
import { median, rounded, spread } from '../harness/statistics.ts'
import { atMost, type Check, type Figures } from '../harness/verdict.ts'
import { BuiltNode } from '../ours/built-node.ts'
import type { Cost, Costs } from '../ours/mailbox-worker-child.ts'
import { MailboxWorker } from '../ours/mailbox-worker.ts'

const FEW = 1000
const MANY = 1_000_000
const SMOKE_MANY = 3000
const MOST_GROWTH = 1.3
const CYCLES_MS = 3000
const SMOKE_CYCLES_MS = 100
const WARM_UP_TIMES = 2
const TOPIC = 'bench/growth'
/** LevelDB goes on sorting for a while after it was filled: it is quiet when it needs less than this share of a core. */
const QUIET_SHARE = 0.05
const QUIET_LOOK_MS = 1000
const QUIET_LOOKS = 60

const OPERATIONS = ['send', 'recv and ack', 'nack', 'delete', 'peek', 'stats']

export const p13: Row = {
  id: 'P13',
  summary: 'what operations of the mailbox cost on a topic of a million messages, beside one of a thousand',
  async run(options) {
    const program = await builtProgram(options)
    await using few = await Mailbox.start('few', program)
    await using many = await Mailbox.start('many', program)
    await few.fill(FEW)
    await many.fill(options.smoke ? SMOKE_MANY : MANY)
    const forMs = options.smoke ? SMOKE_CYCLES_MS : CYCLES_MS
    for (const box of [few, many]) await box.settle(forMs * (options.smoke ? 0 : WARM_UP_TIMES))
    const samples = await interleaved([few, many], options.rounds, async (box, round) => {
      const costs = await box.worker.cycles(TOPIC, forMs)
      options.say(`round ${round + 1}/${options.rounds} ${box.name}: ${described(costs)}`)
      return costs
    })
    return figuresOf(samples.get(few)!, samples.get(many)!)
  }
}

/** A node of its own with one topic. */
class Mailbox implements AsyncDisposable {
  readonly name: string
  readonly node: BuiltNode
  readonly worker: MailboxWorker
  readonly #folder: string

  private constructor(name: string, node: BuiltNode, worker: MailboxWorker, folder: string) {
    this.name = name
    this.node = node
    this.worker = worker
    this.#folder = folder
  }

  static async start(name: string, program: string): Promise<Mailbox> {
    const folder = await mkdtemp(join(tmpdir(), 'omnigate-bench-'))
    const node = await BuiltNode.start(program, folder)
    return new Mailbox(name, node, await MailboxWorker.start(node), folder)
  }

  async fill(messages: number): Promise<void> {
    await this.worker.fill(TOPIC, messages, { hasKeys: false })
  }

  /** Works until its code is compiled, then waits until the node is quiet. */
  async settle(workMs: number): Promise<void> {
    if (workMs === 0) return
    await this.worker.cycles(TOPIC, workMs)
    for (let look = 0; look < QUIET_LOOKS; look++) {
      const before = threadsCpuMicrosOf(this.node.pid)
      await sleep(QUIET_LOOK_MS)
      if (threadsCpuMicrosOf(this.node.pid) - before < QUIET_SHARE * QUIET_LOOK_MS * 1000) return
    }
    throw new Error(`${this.name}: the node does not get quiet`)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.worker[Symbol.asyncDispose]()
    await this.node[Symbol.asyncDispose]()
    await rm(this.#folder, { recursive: true })
  }
}

const elapsed = ({ elapsedMicros, operations }: Cost): number => elapsedMicros / operations
const cpu = ({ cpuMicros, operations }: Cost): number => cpuMicros / operations

const described = (costs: Costs): string =>
  OPERATIONS.map(name => `${name} ${rounded(elapsed(costs[name]!))}/${rounded(cpu(costs[name]!))}`).join(', ')

function figuresOf(few: readonly Costs[], many: readonly Costs[]): Figures {
  const all = (of: readonly Costs[], name: string, what: (cost: Cost) => number): number[] =>
    of.map(costs => what(costs[name]!))
  const growth = (name: string, what: (cost: Cost) => number): number =>
    median(all(many, name, what)) / median(all(few, name, what))
  const grows = (what: string, of: (cost: Cost) => number): Check[] =>
    OPERATIONS.map(name => atMost(`${name}, ${what}`, MOST_GROWTH, growth(name, of)))
  return {
    what: 'a send, 64 in flight, on a topic of 1,000,000 messages: microseconds; limit: the same on one of 1,000',
    ours: rounded(median(all(many, 'send', elapsed))),
    others: {},
    limit: rounded(median(all(few, 'send', elapsed))),
    checks: [...grows('time', elapsed), ...grows('CPU of the node', cpu)],
    spread: Object.fromEntries(
      OPERATIONS.flatMap(name => [
        [`${name} few`, rounded(spread(all(few, name, elapsed)))],
        [`${name} many`, rounded(spread(all(many, name, elapsed)))]
      ])
    ),
    notes: Object.fromEntries(
      OPERATIONS.flatMap(name => [
        [`${name} us`, rounded(median(all(many, name, elapsed)))],
        [`${name} CPU us`, rounded(median(all(many, name, cpu)))]
      ])
    )
  }
}
