import { type Entry, NO_PREVIOUS, parseEntry } from './entry.ts'

/** A line that does not continue the chain. `sequence` is where it stands, counted from the start of the log. */
export class ChainError extends Error {
  override readonly name = 'ChainError'
  readonly sequence: number
  /** `line`: the line itself is no entry. `place`: an entry of another place. `link`: it does not follow the one before. */
  readonly fault: 'line' | 'place' | 'link'

  constructor(sequence: number, fault: ChainError['fault'], message: string) {
    super(`entry ${sequence}: ${message}`)
    this.sequence = sequence
    this.fault = fault
  }
}

/** Where a chain of entries has come to: what the next line must say. */
export class Chain {
  #next: number
  #previous: string | undefined

  /** From `next` on; `previous` is the hash of the entry before, undefined when that is not known. */
  constructor(next = 0, previous: string | undefined = next === 0 ? NO_PREVIOUS : undefined) {
    this.#next = next
    this.#previous = previous
  }

  get next(): number {
    return this.#next
  }

  /** The hash of the newest entry, or what `prev` of the first must say. */
  get previous(): string | undefined {
    return this.#previous
  }

  /** Takes the next line. @throws ChainError, and stays where it is. */
  take(line: Uint8Array): Entry {
    const entry = entryOf(line, this.#next)
    if (entry.seq !== this.#next)
      throw new ChainError(this.#next, 'place', `the line here says that it is entry ${entry.seq}`)
    if (this.#previous !== undefined && entry.prev !== this.#previous)
      throw new ChainError(this.#next, 'link', 'it does not follow the entry before it')
    this.#next++
    this.#previous = entry.hash
    return entry
  }
}

function entryOf(line: Uint8Array, sequence: number): Entry {
  try {
    return parseEntry(line)
  } catch (error) {
    throw new ChainError(sequence, 'line', error instanceof Error ? error.message : String(error))
  }
}
