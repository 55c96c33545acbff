/** What is being read: a root with a lease is not collected, and with it nothing that it holds. */
export class Leases {
  readonly #readers = new Map<string, number>()

  get size(): number {
    return this.#readers.size
  }

  has(hex: string): boolean {
    return this.#readers.has(hex)
  }

  add(hex: string): void {
    this.#readers.set(hex, (this.#readers.get(hex) ?? 0) + 1)
  }

  remove(hex: string): void {
    const left = (this.#readers.get(hex) ?? 0) - 1
    if (left > 0) this.#readers.set(hex, left)
    else this.#readers.delete(hex)
  }
}
