import type { ShareRefusal } from '../../federation/index.ts'
import { BucketTable } from '../guards/bucket-table.ts'

/** Of one hub in the audit log; beyond that refusals are counted alone. */
const AUDITED = { burst: 10, perSecond: 1 / 60 }
const MOST_HUBS = 1024

export interface RefusalsOptions {
  readonly count: (why: ShareRefusal) => void
  /** Records it; must not reject. */
  readonly record: (from: string, why: ShareRefusal) => void
  readonly nowMs: () => number
}

/** Counts what is refused, and has the audit log hold a little of it for each hub that it came from. */
export class Refusals {
  readonly #o: RefusalsOptions
  readonly #audited = new BucketTable(MOST_HUBS)

  constructor(options: RefusalsOptions) {
    this.#o = options
  }

  refuse(from: string, why: ShareRefusal): void {
    this.#o.count(why)
    const nowMs = this.#o.nowMs()
    if (this.#audited.get(from, AUDITED, nowMs).take(1, nowMs) === 0) this.#o.record(from, why)
  }
}
