import { sealedJson, unsealJson } from '../mailbox/seal.ts'
import type { Level } from '../level.ts'
import { Fill } from './fill.ts'

/** Jobs that share one write, and one wait for the disk. */
const MOST_AT_ONCE = 256
/** Jobs that wait; beyond it they are refused. */
export const MOST_WAITING = 4096

/** Rows as a job finds them: those of the jobs before it among them, although they are not written yet. */
export interface Rows {
  get<T>(key: string): Promise<T | undefined>
  put(key: string, value: unknown): void
  remove(key: string): void
  /** Counts bytes that all rows of this job take more, or less, than those before; durable with them. */
  grow(bytes: number): void
}

export interface GroupWritesOptions {
  readonly onCorrupt: (key: string) => void
  /** What may be taken; no bound if missing. */
  readonly fill?: Fill | undefined
  /** The key of the row in which it is counted. */
  readonly countKey: string
}

type Job = (rows: Rows) => Promise<unknown>

export interface RunOptions {
  /** Whether it is done although there is no room for what it takes, as for what the operator decides. */
  readonly isBeyondBound?: boolean | undefined
}

interface Waiting {
  readonly job: Job
  readonly isBeyondBound: boolean
  readonly resolve: (value: never) => void
  readonly reject: (error: unknown) => void
}

/**
 * Changes of rows that read what they change, one after the other, and reach the disk together: each resolves once its
 * rows would survive a power cut. What a job throws is its own, and leaves nothing; so does one for which there is no room,
 * with OapError `storage_full`.
 */
export class GroupWrites {
  readonly #level: Level
  readonly #onCorrupt: (key: string) => void
  readonly #waiting: Waiting[] = []
  readonly #fill: Fill
  readonly #countKey: string
  #counted = 0
  #isRunning = false
  #idle: Promise<void> = Promise.resolve()

  private constructor(level: Level, { onCorrupt, fill = new Fill(), countKey }: GroupWritesOptions) {
    this.#level = level
    this.#onCorrupt = onCorrupt
    this.#fill = fill
    this.#countKey = countKey
  }

  static async open(level: Level, options: GroupWritesOptions): Promise<GroupWrites> {
    const writes = new GroupWrites(level, options)
    writes.#counted = (await writes.read<number>(options.countKey)) ?? 0
    writes.#fill.add(writes.#counted)
    return writes
  }

  get isFull(): boolean {
    return this.#waiting.length >= MOST_WAITING
  }

  run<T>(job: (rows: Rows) => Promise<T>, { isBeyondBound = false }: RunOptions = {}): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>()
    this.#waiting.push({ job, isBeyondBound, resolve: resolve as Waiting['resolve'], reject })
    if (!this.#isRunning) this.#idle = this.#work()
    return promise
  }

  /** Resolves when nothing is under way. */
  async idle(): Promise<void> {
    await this.#idle
  }

  /** A row as it is on the disk; undefined for one that is not whole, which is told. */
  async read<T>(key: string): Promise<T | undefined> {
    const bytes = await this.#level.get(key)
    if (bytes === undefined) return undefined
    const value = unsealJson<T>(key, bytes)
    if (value === undefined) this.#onCorrupt(key)
    return value
  }

  async #work(): Promise<void> {
    this.#isRunning = true
    while (this.#waiting.length > 0) await this.#write(this.#waiting.splice(0, MOST_AT_ONCE))
    // At once, so that no job comes between the last look and this.
    this.#isRunning = false
  }

  async #write(jobs: readonly Waiting[]): Promise<void> {
    const written = new Map<string, unknown>()
    const done: (() => void)[] = []
    const begun: Waiting[] = []
    let grown = 0
    for (const one of jobs) {
      const own = new Map<string, unknown>()
      let growth = 0
      try {
        const value = await one.job(this.#over(written, own, bytes => (growth += bytes)))
        if (one.isBeyondBound) this.#fill.add(growth)
        else this.#fill.take(growth)
        grown += growth
        for (const [key, row] of own) written.set(key, row)
        begun.push(one)
        done.push(() => one.resolve(value as never))
      } catch (error) {
        one.reject(error)
      }
    }
    if (grown !== 0) written.set(this.#countKey, this.#counted + grown)
    try {
      const rows = [...written].map(([key, value]) =>
        value === undefined
          ? ({ type: 'del', key } as const)
          : ({ type: 'put', key, value: sealedJson(key, value) } as const)
      )
      const durable: object = { sync: true }
      if (rows.length > 0) await this.#level.batch(rows, durable)
      this.#counted += grown
      for (const resolve of done) resolve()
    } catch (error) {
      this.#fill.add(-grown)
      for (const { reject } of begun) reject(error)
    }
  }

  #over(
    written: ReadonlyMap<string, unknown>,
    own: Map<string, unknown>,
    grow: (bytes: number) => void
  ): Rows {
    return {
      get: async <T>(key: string) => {
        for (const rows of [own, written]) if (rows.has(key)) return rows.get(key) as T | undefined
        return await this.read<T>(key)
      },
      put: (key, value) => void own.set(key, value),
      remove: key => void own.set(key, undefined),
      grow
    }
  }
}
