const EVERY_MS = 10_000

/** The newest audit checkpoint that is known without waiting; at most some ten seconds old. */
export class NewestCheckpoint {
  readonly #take: () => Promise<string> | undefined
  #note: string | undefined
  #dueMs = 0
  #isTaking = false

  /** `take` gives the log's checkpoint; undefined where there is no log, and it may throw while that is not open. */
  constructor(take: () => Promise<string> | undefined) {
    this.#take = take
  }

  /** Undefined until the first was taken. */
  get note(): string | undefined {
    return this.#note
  }

  /** Takes one when it is time. One that fails is tried again then. */
  tick(nowMs: number): void {
    if (this.#isTaking || nowMs < this.#dueMs) return
    this.#dueMs = nowMs + EVERY_MS
    this.#isTaking = true
    void this.#taken()
  }

  async #taken(): Promise<void> {
    try {
      this.#note = (await this.#take()) ?? this.#note
    } catch {
      // The log is opened again, or the node stops: its own part says so.
    }
    this.#isTaking = false
  }
}
