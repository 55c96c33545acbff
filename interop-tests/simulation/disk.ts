import { MemoryLevel } from 'memory-level'
import type { Level } from '../../node/stores/level.ts'

interface Write {
  readonly make: () => Promise<void>
}

interface Operation {
  readonly type: string
  readonly key: unknown
}

type Batch = (operations: readonly Operation[], options: object) => Promise<void>
const made = (MemoryLevel.prototype as unknown as { readonly _batch: Batch })._batch

export interface DiskOptions {
  /** Calls back once a write would survive a power cut. */
  readonly after: (run: () => void) => void
  /** Breaks a rule on purpose: writes are answered before they are made. */
  readonly isEarly: boolean
}

/**
 * What a hub has written. A write takes its time, and what is under way when the hub stops is there as a whole or not at
 * all; whoever waited for it is never told. Reads take no time.
 */
export class Disk extends MemoryLevel<string, Uint8Array> {
  readonly #o: DiskOptions
  #underWay = new Set<Write>()

  constructor(options: DiskOptions) {
    super({ keyEncoding: 'utf8', valueEncoding: 'view' })
    this.#o = options
  }

  get level(): Level {
    return this as unknown as Level
  }

  // What abstract-level calls for each batch, also of a sublevel.
  async _batch(operations: readonly Operation[], options: object): Promise<void> {
    await new Promise<void>(done => {
      const write: Write = { make: () => made.call(this, operations, options) }
      this.#underWay.add(write)
      if (this.#o.isEarly) done()
      this.#o.after(() => {
        if (!this.#underWay.delete(write)) return
        void write.make()
        done()
      })
    })
  }

  /** The hub stops: of what is under way each is made or not, as `isMade` says. */
  async cut(isMade: () => boolean): Promise<void> {
    const underWay = [...this.#underWay]
    this.#underWay = new Set()
    let isFirstLost = false
    for (const write of underWay) {
      // A disk that lost a write has none that came after it.
      isFirstLost ||= !isMade()
      if (!isFirstLost) await write.make()
    }
  }

  /** Forgets all rows under a prefix. */
  async forget(prefix: string): Promise<void> {
    const keys = await this.keys({ gte: prefix, lt: `${prefix}\uffff` }).all()
    const gone = keys.map(key => ({ type: 'del', key: Buffer.from(key) }))
    await made.call(this, gone, {})
  }

  /** All that is there, to be put back by `restore`. */
  async copy(): Promise<readonly (readonly [string, Uint8Array])[]> {
    return this.iterator().all()
  }

  async restore(copy: readonly (readonly [string, Uint8Array])[]): Promise<void> {
    await this.forget('')
    await made.call(
      this,
      copy.map(([key, value]) => ({ type: 'put', key: Buffer.from(key), value: Buffer.from(value) })),
      {}
    )
  }
}
