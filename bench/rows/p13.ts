import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { builtProgram } from '../harness/built-package.ts'
import { describedCosts, growthFigures, quiet } from '../harness/growth.ts'
import { interleaved } from '../harness/rounds.ts'
import type { Row } from '../harness/row.ts'
import { BuiltNode } from '../ours/built-node.ts'
import { MailboxWorker } from '../ours/mailbox-worker.ts'

const FEW = 1000
const MANY = 1_000_000
const SMOKE_MANY = 3000
const CYCLES_MS = 3000
const SMOKE_CYCLES_MS = 100
const WARM_UP_TIMES = 2
const TOPIC = 'bench/growth'

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
      options.say(`round ${round + 1}/${options.rounds} ${box.name}: ${describedCosts(OPERATIONS, costs)}`)
      return costs
    })
    const what =
      'a send, 64 in flight, on a topic of 1,000,000 messages: microseconds; limit: the same on one of 1,000'
    return growthFigures(OPERATIONS, what, { few: samples.get(few)!, many: samples.get(many)! })
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
    await quiet(this.name, this.node.pid)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.worker[Symbol.asyncDispose]()
    await this.node[Symbol.asyncDispose]()
    await rm(this.#folder, { recursive: true })
  }
}
