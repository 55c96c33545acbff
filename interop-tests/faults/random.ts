/** A number in [0, 1) that depends on the keys alone, so that no order of asking changes it. */
export function draw(...keys: readonly number[]): number {
  let hash = 0x9e3779b9
  for (const key of keys) hash = mix(hash ^ mix(key | 0))
  return hash / 2 ** 32
}

/** MurmurHash3's last step: every bit of the key changes half of the bits of the hash. */
function mix(key: number): number {
  let hash = key + 0x6d2b79f5
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}

/** Draws one after the other from a seed. */
export class Dice {
  readonly #seed: number
  #turn = 0

  constructor(seed: number) {
    this.#seed = seed
  }

  /** A whole number in [from, to). */
  between(from: number, to: number): number {
    return from + Math.floor(draw(this.#seed, this.#turn++) * (to - from))
  }

  oneIn(chances: number): boolean {
    return this.between(0, chances) === 0
  }

  pick<const T>(choices: readonly [T, ...T[]]): T {
    return choices[this.between(0, choices.length)] ?? choices[0]
  }
}

export const newSeed = (): number => Math.floor(Math.random() * 2 ** 31)
