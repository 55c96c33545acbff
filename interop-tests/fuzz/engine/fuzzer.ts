import type { Kept } from './corpus.ts'
import { minimal } from './corpus.ts'
import type { Edges, Feature } from './edges.ts'
import { Reached } from './edges.ts'
import { mutated } from './mutate.ts'
import { Random } from './random.ts'
import { shrunk } from './shrink.ts'
import { strayFaults } from './strays.ts'
import { faultKey } from './target.ts'
import type { Finding, Target } from './target.ts'
import type { Watch } from './watchdog.ts'

interface Entry extends Kept {
  readonly features: readonly Feature[]
}

/** Grows a corpus for one target: keeps every input that runs something no input before it ran. */
export class Fuzzer {
  readonly reached = new Reached()
  executions = 0
  readonly #target: Target
  readonly #edges: Edges
  readonly #random: Random
  readonly #entries: Entry[] = []
  readonly #watch: Watch

  /** `watch` is told of each input before it runs. */
  constructor(target: Target, edges: Edges, seed: number, watch: Watch = () => {}) {
    this.#watch = watch
    this.#target = target
    this.#edges = edges
    this.#random = new Random(seed)
  }

  get inputs(): number {
    return this.#entries.length
  }

  get inputBytes(): number {
    return this.#entries.reduce((sum, { bytes }) => sum + bytes.length, 0)
  }

  /** Runs inputs that are there already. Gives the first finding, not shortened. */
  async replay(inputs: readonly Kept[]): Promise<Finding | undefined> {
    for (const { bytes, isPinned } of inputs) {
      const finding = await this.#try(bytes, isPinned)
      if (finding !== undefined) return finding
    }
    return undefined
  }

  /** Makes one input and runs it. Gives a finding shortened. */
  async step(): Promise<Finding | undefined> {
    const finding = await this.#try(this.#make(), false)
    return finding === undefined ? undefined : this.#shortened(finding)
  }

  /** The corpus without what adds nothing. */
  minimal(): Kept[] {
    return minimal(this.#entries)
  }

  #make(): Uint8Array {
    const { mutations, dictionary, maxBytes } = this.#target
    const around = { random: this.#random, other: this.#parent(), dictionary }
    return mutated(this.#parent(), mutations, around, maxBytes)
  }

  /** One input of the corpus, half the time among the newest, rather a short one. */
  #parent(): Uint8Array {
    const all = this.#entries.length
    if (all === 0) return new Uint8Array(0)
    const [one, two] = [this.#pick(all), this.#pick(all)]
    return this.#random.once(2) || one.length <= two.length ? one : two
  }

  #pick(all: number): Uint8Array {
    const newest = Math.min(all, 1 + (all >> 2))
    const at = this.#random.once(2) ? all - 1 - this.#random.below(newest) : this.#random.below(all)
    return this.#entries[at]!.bytes
  }

  async #try(bytes: Uint8Array, isPinned: boolean): Promise<Finding | undefined> {
    const error = await this.#fault(bytes)
    if (error !== undefined) return { target: this.#target.name, input: bytes, error: error.cause }
    if (this.reached.absorb(this.#edges) || isPinned)
      this.#entries.push({ bytes, isPinned, features: this.#edges.features() })
    return undefined
  }

  async #fault(bytes: Uint8Array): Promise<{ readonly cause: unknown } | undefined> {
    this.executions++
    this.#watch(bytes)
    this.#edges.clear()
    try {
      const running = this.#target.run(bytes.slice())
      if (running !== undefined) await running
    } catch (cause) {
      strayFaults()
      return { cause }
    }
    const stray = strayFaults()
    return stray.length > 0 ? { cause: stray[0] } : undefined
  }

  async #shortened(finding: Finding): Promise<Finding> {
    const key = faultKey(finding.error)
    let { error } = finding
    const input = await shrunk(finding.input, async bytes => {
      const fault = await this.#fault(bytes)
      if (fault === undefined || faultKey(fault.cause) !== key) return false
      error = fault.cause
      return true
    })
    return { ...finding, input, error }
  }
}
