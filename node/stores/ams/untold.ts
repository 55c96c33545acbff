import { Turns } from '../../turns.ts'
import type { Level } from '../level.ts'
import { unsealJson } from '../mailbox/seal.ts'
import { between, sortable } from './keys.ts'

const ROWS_AT_ONCE = 256

export interface UntoldOptions<V> {
  /** How all of its keys begin. */
  readonly start: string
  /** Resolves once the audit log has durably what the row stands for. */
  readonly tell: (value: V) => Promise<void>
  readonly onCorrupt: (key: string) => void
}

/**
 * What was written and the audit log may not have yet: a row beside it, written in the same step, which goes when the log
 * has it. So the log has it before anybody is answered, also where it failed the first time, and after a crash between the
 * two. It may have it twice then.
 */
export class Untold<V> {
  readonly #level: Level
  readonly #options: UntoldOptions<V>
  readonly #turns = new Turns()

  constructor(level: Level, options: UntoldOptions<V>) {
    this.#level = level
    this.#options = options
  }

  /** The key of the row of a change: `of` says of what, without `/`, and `n` ascends with its changes. */
  key(of: string, n: number): string {
    return `${this.#options.start}${of}/${sortable(n)}`
  }

  /** Resolves once the log has all changes of something; rejects with what kept it from that, and they stay untold. */
  async tell(of: string): Promise<void> {
    await this.#turns.run(of, () => this.#tellRows(`${this.#options.start}${of}/`))
  }

  /** Tells all that is left, when nothing else is under way. */
  async tellAll(): Promise<void> {
    await this.#tellRows(this.#options.start)
  }

  async #tellRows(start: string): Promise<void> {
    const { tell, onCorrupt } = this.#options
    const range = { ...between(start), limit: ROWS_AT_ONCE }
    for (;;) {
      const rows = await this.#level.iterator<string, Uint8Array>(range).all()
      if (rows.length === 0) return
      for (const [key, bytes] of rows) {
        const value = unsealJson<V>(key, bytes)
        if (value === undefined) onCorrupt(key)
        else await tell(value)
        await this.#level.del(key)
      }
    }
  }
}
