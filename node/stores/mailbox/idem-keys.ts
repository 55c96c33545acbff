import type { Batch } from './batch.ts'
import { hashesOf } from './idem-filter.ts'
import type { Hashes, IdemFilters } from './idem-filter.ts'
import { generationOf } from './idem-generations.ts'
import { decodeKnown, encodeKnown } from './idem-row.ts'
import type { Known } from './idem-row.ts'
import { KIND, PREFIX, idemKey, row } from './keys.ts'
import type { CorruptRow } from './types.ts'

export interface IdemKeysParts {
  readonly filters: IdemFilters
  readonly idemWindowMs: number
  readonly onCorrupt: (corrupt: CorruptRow) => void
  /** The one being filled. */
  readonly batch: () => Batch
  /** A row with all that was composed so far. */
  readonly get: (rowKey: string) => Uint8Array | undefined
}

/** A key of a topic at one time: what finding and remembering it both need. */
export interface IdemName {
  readonly topic: string
  readonly key: string
  readonly generation: number
  readonly hashes: Hashes
  /** Of the row in this generation. */
  readonly rowKey: string
}

/** Which idempotency keys are known, in rows by window. */
export class IdemKeys {
  readonly #parts: IdemKeysParts

  constructor(parts: IdemKeysParts) {
    this.#parts = parts
  }

  /** `topic` is the topic's name in keys. */
  name(topic: string, key: string, nowMs: number): IdemName {
    const generation = generationOf(nowMs, this.#parts.idemWindowMs)
    return {
      topic,
      key,
      generation,
      hashes: hashesOf(topic, key),
      rowKey: idemKey(generation, topic, key)
    }
  }

  /** What the key was given with, within the window before `nowMs`. */
  known({ topic, key, generation, hashes, rowKey }: IdemName, nowMs: number): Known | undefined {
    const { filters } = this.#parts
    const known = filters.mayHave(generation, hashes) ? this.#read(rowKey, nowMs) : undefined
    if (known !== undefined || generation === 0 || !filters.mayHave(generation - 1, hashes)) return known
    return this.#read(idemKey(generation - 1, topic, key), nowMs)
  }

  remember({ generation, hashes, rowKey }: IdemName, id: string, hash: Uint8Array, nowMs: number): void {
    const untilMs = nowMs + this.#parts.idemWindowMs
    this.#parts.batch().put(rowKey, encodeKnown(rowKey, { id, hash, untilMs }))
    this.#parts.filters.add(generation, hashes)
  }

  #read(rowKey: string, nowMs: number): Known | undefined {
    const bytes = this.#parts.get(rowKey)
    if (bytes === undefined) return undefined
    const known = decodeKnown(rowKey, bytes)
    if (typeof known !== 'string') return known.untilMs > nowMs ? known : undefined
    const batch = this.#parts.batch()
    batch.del(rowKey)
    batch.put(row(KIND.setAside, rowKey.slice(PREFIX.length)), bytes)
    this.#parts.onCorrupt({ key: rowKey, detail: known })
    return undefined
  }
}
