import { OapError } from '../../protocols/index.ts'

const MOST_WAITING = 65_536
const MOST_AT_ONCE = 4096

interface Waiting<T> {
  readonly item: T
  readonly done: () => void
  readonly failed: (error: unknown) => void
}

/**
 * Makes items durable in the order in which they came, all that wait in one go: what comes while one commit runs is in
 * the next. After a commit has failed every later item fails with it, because nobody knows what reached the disk.
 */
export class GroupCommit<T> {
  readonly #commit: (items: readonly T[]) => Promise<void>
  #waiting: Waiting<T>[] = []
  #running: Promise<void> | undefined
  #failure: unknown

  /** `commit` resolves once its items would survive a power cut. */
  constructor(commit: (items: readonly T[]) => Promise<void>) {
    this.#commit = commit
  }

  /** What the first failed commit threw. */
  get failure(): unknown {
    return this.#failure
  }

  /** Whether `add` would take one more. @throws the failure of an earlier commit; OapError `saturated`. */
  check(): void {
    if (this.#failure !== undefined) throw this.#failure
    if (this.#waiting.length >= MOST_WAITING) throw new OapError('saturated', 'the audit log cannot keep up')
  }

  /** Resolves once the item is durable. */
  add(item: T): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    this.#waiting.push({ item, done: resolve, failed: reject })
    // A turn later, so that what this turn brings is one commit.
    this.#running ??= new Promise<void>(begin => setImmediate(begin)).then(() => this.#run())
    return promise
  }

  /** Resolves when nothing waits any more, whether it was committed or failed. */
  async idle(): Promise<void> {
    while (this.#running !== undefined) await this.#running
  }

  async #run(): Promise<void> {
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.slice(0, MOST_AT_ONCE)
      this.#waiting = this.#waiting.slice(MOST_AT_ONCE)
      await this.#commitBatch(batch)
    }
    this.#running = undefined
  }

  async #commitBatch(batch: readonly Waiting<T>[]): Promise<void> {
    try {
      if (this.#failure !== undefined) throw this.#failure
      await this.#commit(batch.map(({ item }) => item))
      for (const { done } of batch) done()
    } catch (error) {
      this.#failure ??= error
      for (const { failed } of batch) failed(error)
    }
  }
}
