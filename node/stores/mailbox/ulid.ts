import { randomFillSync } from 'node:crypto'

const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'
const PAIRS = Array.from({ length: 1024 }, (_, i) => ALPHABET[i >> 5]! + ALPHABET[i & 31]!)
const RANDOM_BYTES = 10
/** Drawn for many ids at a time: that costs about as much as for one. */
const POOL = Buffer.alloc(100 * RANDOM_BYTES)
let drawn = POOL.length

function random(): number {
  if (drawn === POOL.length) {
    randomFillSync(POOL)
    drawn = 0
  }
  drawn += RANDOM_BYTES / 2
  return POOL.readUIntBE(drawn - RANDOM_BYTES / 2, RANDOM_BYTES / 2)
}

const HALF = 2 ** 40

/**
 * Ids of 26 characters: 48 bits of time, then 80 that are drawn anew each millisecond and count up within one. They ascend
 * whatever the clock does: a time before that of the last id is taken as its time.
 */
export class Ulids {
  #timeMs = 0
  /** The text of the time and of the higher half, which most ids share with the one before. */
  #start = text(0, 10) + text(0, 8)
  // The 80 bits in two halves, since a number holds 53.
  #high = 0
  #low = 0

  /** Goes on after an id of an earlier process. */
  constructor(last?: string) {
    if (last === undefined) return
    this.#timeMs = timeOf(last)
    this.#start = last.slice(0, 18)
    this.#high = number(last.slice(10, 18))
    this.#low = number(last.slice(18))
  }

  /** Unix ms of the last id; 0 before the first. */
  get timeMs(): number {
    return this.#timeMs
  }

  /** Undefined before the first. */
  get last(): string | undefined {
    return this.#timeMs === 0 ? undefined : this.#text
  }

  next(nowMs: number): string {
    if (nowMs > this.#timeMs) this.#draw(nowMs)
    else if (++this.#low === HALF) {
      this.#low = 0
      if (++this.#high === HALF) this.#draw(this.#timeMs + 1)
      else this.#begin()
    }
    return this.#text
  }

  get #text(): string {
    return this.#start + text(this.#low, 8)
  }

  #draw(timeMs: number): void {
    this.#timeMs = timeMs
    // The first bit stays 0, so that counting up has room.
    this.#high = random() % (HALF / 2)
    this.#low = random()
    this.#begin()
  }

  #begin(): void {
    this.#start = text(this.#timeMs, 10) + text(this.#high, 8)
  }
}

/** Unix ms in an id. */
export const timeOf = (id: string): number => number(id.slice(0, 10))

function text(value: number, characters: number): string {
  let result = ''
  for (let rest = value, n = characters; n > 0; n -= 2, rest = Math.floor(rest / 1024))
    result = PAIRS[rest % 1024]! + result
  return result
}

function number(characters: string): number {
  let value = 0
  for (const character of characters) value = value * 32 + ALPHABET.indexOf(character)
  return value
}
