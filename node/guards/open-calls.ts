/** Counts what is open at one time, by key; a key that has nothing open costs nothing. */
export class OpenCalls {
  readonly #open = new Map<string, number>()

  of(key: string): number {
    return this.#open.get(key) ?? 0
  }

  begin(key: string): void {
    this.#open.set(key, this.of(key) + 1)
  }

  end(key: string): void {
    const left = this.of(key) - 1
    if (left > 0) this.#open.set(key, left)
    else this.#open.delete(key)
  }
}
