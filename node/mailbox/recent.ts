/**
 * What was noted last: between half of `most` and `most` of it. Two maps that take turns, since a map whose first entries
 * are deleted one by one gets slow.
 */
export class Recent<T> {
  readonly #half: number
  #young = new Map<string, T>()
  #old = new Map<string, T>()

  constructor(most: number) {
    this.#half = Math.max(1, Math.floor(most / 2))
  }

  set(key: string, value: T): void {
    if (this.#young.size >= this.#half) {
      this.#old = this.#young
      this.#young = new Map()
    }
    this.#young.set(key, value)
  }

  get(key: string): T | undefined {
    return this.#young.get(key) ?? this.#old.get(key)
  }
}
