import { WRITE_BUFFER_BYTES } from '../level.ts'

/** LevelDB has at most two logs, each as long as its write buffer and one batch more; and some room for what frames it. */
const LOGS_BYTES = 2 * WRITE_BUFFER_BYTES
const SPARE_BYTES = 2 * 1024 * 1024

/**
 * Decides from where on the rows of batches are kept. What LevelDB has in its logs it may lose in the middle, when a bit
 * flips, and not say so; a batch is missed by its row, so that must not be taken away while the batch lies in a log. Opening
 * LevelDB empties its logs.
 */
export class KeptRows {
  #first: number
  #written = 0
  #largest = 0
  /** Ends of stretches, and how much was written by then. */
  #ends: { readonly batch: number; readonly written: number }[]

  /** `last` is the batch with which the store was opened. */
  constructor(first: number, last: number) {
    this.#first = first
    this.#ends = [{ batch: last, written: -Infinity }]
  }

  get first(): number {
    return this.#first
  }

  wrote(bytes: number): void {
    this.#written += bytes
    this.#largest = Math.max(this.#largest, bytes)
  }

  /** Ends a stretch with `batch`; yields the numbers whose rows are not needed any more, the end not included. */
  end(batch: number): { readonly from: number; readonly to: number } {
    this.#ends.push({ batch, written: this.#written })
    const safe = this.#written - LOGS_BYTES - SPARE_BYTES - 2 * this.#largest
    const passed = this.#ends.findLastIndex(({ written }) => written <= safe || written === -Infinity)
    const from = this.#first
    if (passed >= 0) {
      this.#first = Math.max(from, this.#ends[passed]!.batch + 1)
      this.#ends = this.#ends.slice(passed + 1)
    }
    return { from, to: this.#first }
  }
}
