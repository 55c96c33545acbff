import { performance } from 'node:perf_hooks'
import { threadsCpuMicrosOf } from './process-files.ts'

/** What one operation cost, over so many of them. */
export interface Cost {
  readonly operations: number
  readonly elapsedMicros: number
  /** Of the node. */
  readonly cpuMicros: number
}

export type Costs = Readonly<Record<string, Cost>>

/** Notes by name what operations take, and how much CPU of the node that serves them. */
export class NotedCosts {
  readonly #pid: number
  readonly #costs = new Map<string, Cost>()

  constructor(pid: number) {
    this.#pid = pid
  }

  async noted<T>(name: string, operations: number, work: () => Promise<T>): Promise<T> {
    const [at, cpu] = [performance.now(), threadsCpuMicrosOf(this.#pid)]
    const result = await work()
    const before = this.#costs.get(name) ?? { operations: 0, elapsedMicros: 0, cpuMicros: 0 }
    this.#costs.set(name, {
      operations: before.operations + operations,
      elapsedMicros: before.elapsedMicros + (performance.now() - at) * 1000,
      cpuMicros: before.cpuMicros + threadsCpuMicrosOf(this.#pid) - cpu
    })
    return result
  }

  get all(): Costs {
    return Object.fromEntries(this.#costs)
  }
}
