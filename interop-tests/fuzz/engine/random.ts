/** A seeded source of numbers (mulberry32): the same seed gives the same sequence. */
export class Random {
  #state: number

  constructor(seed: number) {
    this.#state = seed >>> 0
  }

  u32(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0
    let t = this.#state
    t = Math.imul(t ^ (t >>> 15), t | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return (t ^ (t >>> 14)) >>> 0
  }

  /** An integer from 0 to `n - 1`; 0 for n below 1. */
  below(n: number): number {
    return n < 1 ? 0 : this.u32() % n
  }

  pick<T>(list: readonly T[]): T {
    return list[this.below(list.length)]!
  }

  /** True once in `n`. */
  once(n: number): boolean {
    return this.below(n) === 0
  }
}

/** A 32-bit digest of bytes (FNV-1a): what must vary with the input and with nothing else takes it as its seed. */
export function digest(bytes: Uint8Array): number {
  let hash = 0x811c9dc5
  for (const b of bytes) hash = Math.imul(hash ^ b, 0x01000193)
  return hash >>> 0
}
