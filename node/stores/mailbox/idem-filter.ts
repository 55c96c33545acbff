import { NUL } from './keys.ts'

const BITS = 2 ** 24
const HASHES = 4
const FNV_PRIME = 0x01000193

/** Two hashes of 32 bits, from which the rest are made. */
export interface Hashes {
  readonly one: number
  readonly two: number
}

const SEEDS: Hashes = { one: 0x811c9dc5, two: 0x9747b28c }

/** The hashes so far of the topic that was named last: keys of one topic come in rows. */
let last = { name: '', so: SEEDS }

/** Of a topic's name and a key. Not secret: whoever aims at collisions makes the store look twice. */
export function hashesOf(name: string, key: string): Hashes {
  if (last.name !== name) last = { name, so: hashed(name + NUL, SEEDS) }
  const { one, two } = hashed(key, last.so)
  return { one: one >>> 0, two: (two | 1) >>> 0 }
}

function hashed(text: string, from: Hashes): Hashes {
  let { one, two } = from
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    one = Math.imul(one ^ code, FNV_PRIME)
    two = Math.imul(two ^ code, 0x5bd1e995)
    two ^= two >>> 15
  }
  return { one, two }
}

/** Tells for a window's keys which were surely not given; 2 MiB, whatever the number of keys. */
class Filter {
  readonly #bits = new Uint32Array(BITS / 32)

  add({ one, two }: Hashes): void {
    for (let n = 0, at = one; n < HASHES; n++, at = (at + two) >>> 0) {
      const bit = at % BITS
      this.#bits[bit >>> 5]! |= 1 << (bit & 31)
    }
  }

  mayHave({ one, two }: Hashes): boolean {
    for (let n = 0, at = one; n < HASHES; n++, at = (at + two) >>> 0) {
      const bit = at % BITS
      if ((this.#bits[bit >>> 5]! & (1 << (bit & 31))) === 0) return false
    }
    return true
  }
}

/** The windows in which a key may have been given; those of before the opening may hold any key. */
export class IdemFilters {
  readonly #openedIn: number
  readonly #filters = new Map<number, Filter>()
  readonly #mayHaveOlder: boolean

  /** `hasRows`: whether keys of earlier processes may be in the window of the opening or before. */
  constructor(openedIn: number, hasRows: boolean) {
    this.#openedIn = openedIn
    this.#mayHaveOlder = hasRows
  }

  add(generation: number, hashes: Hashes): void {
    let filter = this.#filters.get(generation)
    if (filter === undefined) {
      filter = new Filter()
      this.#filters.set(generation, filter)
      for (const old of this.#filters.keys()) if (old < generation - 1) this.#filters.delete(old)
    }
    filter.add(hashes)
  }

  mayHave(generation: number, hashes: Hashes): boolean {
    if (generation <= this.#openedIn && this.#mayHaveOlder) return true
    return this.#filters.get(generation)?.mayHave(hashes) ?? false
  }
}
