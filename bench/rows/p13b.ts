import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { builtProgram } from '../harness/built-package.ts'
import { describedCosts, growthFigures, quiet } from '../harness/growth.ts'
import { interleaved } from '../harness/rounds.ts'
import type { Row } from '../harness/row.ts'
import { median, rounded, spread } from '../harness/statistics.ts'
import { atMost } from '../harness/verdict.ts'
import { BlobWorker } from '../ours/blob-worker.ts'
import { BuiltNode } from '../ours/built-node.ts'

const FEW = 1000
const MANY = 1_000_000
const SMOKE_MANY = 1500
const CYCLES_MS = 3000
const SMOKE_CYCLES_MS = 100
const START_MOST = 1.5

const OPERATIONS = ['put', 'get', 'has', 'list', 'stat', 'delete']

export const p13b: Row = {
  id: 'P13b',
  summary:
    'what operations of storage cost at a node with a million blobs, and its start, beside one with a thousand',
  async run(options) {
    const program = await builtProgram(options)
    await using few = await Blobs.start('few', program)
    await using many = await Blobs.start('many', program)
    await few.fill(FEW)
    await many.fill(options.smoke ? SMOKE_MANY : MANY)
    const forMs = options.smoke ? SMOKE_CYCLES_MS : CYCLES_MS
    if (!options.smoke) for (const blobs of [few, many]) await blobs.settle(forMs)
    const samples = await interleaved([few, many], options.rounds, async (blobs, round) => {
      const costs = await blobs.cycles(forMs)
      options.say(`round ${round + 1}/${options.rounds} ${blobs.name}: ${describedCosts(OPERATIONS, costs)}`)
      return costs
    })
    const starts = await interleaved([few, many], options.rounds, async (blobs, round) => {
      const startMs = await blobs.restart()
      options.say(`round ${round + 1}/${options.rounds} ${blobs.name}: start ${rounded(startMs)} ms`)
      return startMs
    })
    const what =
      'a put of 1 KiB, 32 in flight, at a node with 1,000,000 blobs: microseconds; limit: at one with 1,000'
    const figures = growthFigures(OPERATIONS, what, { few: samples.get(few)!, many: samples.get(many)! })
    const [short, long] = [median(starts.get(few)!), median(starts.get(many)!)]
    return {
      ...figures,
      checks: [...figures.checks, atMost('start / with 1,000', START_MOST, long / short)],
      spread: {
        ...figures.spread,
        'start few': rounded(spread(starts.get(few)!)),
        'start many': rounded(spread(starts.get(many)!))
      },
      notes: { ...figures.notes, 'start ms': rounded(long) }
    }
  }
}

/** A node of its own, which can be started again. */
class Blobs implements AsyncDisposable {
  readonly name: string
  readonly #program: string
  readonly #folder: string
  #node: BuiltNode
  #worker: BlobWorker | undefined

  private constructor(name: string, program: string, folder: string, node: BuiltNode) {
    this.name = name
    this.#program = program
    this.#folder = folder
    this.#node = node
  }

  static async start(name: string, program: string): Promise<Blobs> {
    const folder = await mkdtemp(join(tmpdir(), 'omnigate-bench-'))
    const blobs = new Blobs(name, program, folder, await BuiltNode.start(program, folder))
    blobs.#worker = await BlobWorker.start(blobs.#node)
    return blobs
  }

  async fill(blobs: number): Promise<void> {
    await this.#worker!.fill(blobs)
  }

  async cycles(forMs: number) {
    return await this.#worker!.cycles(forMs)
  }

  /** Works until its code is compiled, then waits until the node is quiet. */
  async settle(workMs: number): Promise<void> {
    await this.cycles(2 * workMs)
    await quiet(this.name, this.#node.pid)
  }

  /** Yields how long the start took, in milliseconds. */
  async restart(): Promise<number> {
    await this.#worker?.[Symbol.asyncDispose]()
    this.#worker = undefined
    await this.#node[Symbol.asyncDispose]()
    this.#node = await BuiltNode.start(this.#program, this.#folder)
    return this.#node.startMs
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#worker?.[Symbol.asyncDispose]()
    await this.#node[Symbol.asyncDispose]()
    await rm(this.#folder, { recursive: true })
  }
}
