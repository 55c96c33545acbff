/** Runs jobs of the same key one after the other. It holds a key for as long as one of its jobs is under way. */
export class Turns {
  readonly #last = new Map<string, Promise<unknown>>()

  async run<T>(key: string, job: () => Promise<T>): Promise<T> {
    const done = (this.#last.get(key) ?? Promise.resolve()).then(job)
    const settled = done.catch(() => undefined)
    this.#last.set(key, settled)
    try {
      return await done
    } finally {
      if (this.#last.get(key) === settled) this.#last.delete(key)
    }
  }

  get size(): number {
    return this.#last.size
  }
}
