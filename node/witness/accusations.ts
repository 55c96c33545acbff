import { exactly, forms, readForm } from '../../federation/index.ts'
import { CheckedRows } from '../stores/checked-rows.ts'
import type { Level } from '../stores/level.ts'

/** The name of the rows in a store. */
export const ACCUSED_ROWS = 'accused'
/** Who has the keys of this hub can make as many as they like: so many are kept, and tell an operator all there is. */
export const MOST_ACCUSATIONS = 64

const ROW = exactly({ at: forms.seconds })

/**
 * Which proofs against this hub itself were heard, so that each is told to its operator once, also over a restart. Whoever
 * can write to the store can have one told again, or not at all.
 */
export class Accusations {
  readonly #rows: CheckedRows
  /** When each was heard first, in Unix seconds, by the id of the proof. */
  readonly #heard: Map<string, number>

  private constructor(rows: CheckedRows, heard: Map<string, number>) {
    this.#rows = rows
    this.#heard = heard
  }

  static async open(level: () => Level): Promise<Accusations> {
    const rows = new CheckedRows(level, ACCUSED_ROWS)
    const heard = new Map<string, number>()
    for (const { key, value } of await rows.all()) {
      const read = readForm(ROW, value)
      heard.set(key, 'value' in read ? (read.value as { readonly at: number }).at : 0)
    }
    return new Accusations(rows, heard)
  }

  get count(): number {
    return this.#heard.size
  }

  /** When the newest was heard first, in Unix seconds; 0 where there is none. */
  get newestAt(): number {
    return Math.max(0, ...this.#heard.values())
  }

  /**
   * Has `tell` called for a proof that is new, and keeps it once that resolves; false for one that was told, is being told,
   * or is one too many.
   */
  async hear(id: string, atS: number, tell: () => Promise<unknown>): Promise<boolean> {
    if (this.#heard.has(id) || this.#heard.size >= MOST_ACCUSATIONS) return false
    this.#heard.set(id, atS)
    try {
      await tell()
      await this.#rows.put([{ key: id, value: { at: atS } }])
    } catch (error) {
      this.#heard.delete(id)
      throw error
    }
    return true
  }
}
