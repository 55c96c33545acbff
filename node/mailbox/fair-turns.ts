type Job = () => Promise<void>

/**
 * Runs jobs a few at a time, so that nobody's many make another's one wait: tenants take turns, and the topics of a
 * tenant among themselves. A topic has at most one job that waits or runs; its owner sees to that.
 */
export class FairTurns {
  readonly #atOnce: number
  readonly #waiting = new Map<string, Job[]>()
  #running = 0

  constructor(atOnce: number) {
    this.#atOnce = atOnce
  }

  /** Runs the job when it is its tenant's turn. A job must not reject. */
  add(tenant: string, job: Job): void {
    const line = this.#waiting.get(tenant)
    if (line === undefined) this.#waiting.set(tenant, [job])
    else line.push(job)
    this.#next()
  }

  #next(): void {
    while (this.#running < this.#atOnce) {
      const [first] = this.#waiting
      if (first === undefined) return
      const [tenant, line] = first
      const job = line.shift()!
      // To the end of the line of tenants, or out of it.
      this.#waiting.delete(tenant)
      if (line.length > 0) this.#waiting.set(tenant, line)
      this.#running++
      void job().finally(() => {
        this.#running--
        this.#next()
      })
    }
  }
}
