import { CheckedRows } from '../stores/checked-rows.ts'
import type { Level } from '../stores/level.ts'

export const MAX_LISTED = 100_000
/** Root keys under which one right can have been given out; one that would need more is minted anew. */
export const MAX_KIDS = 256
/** The name of their rows in a store. */
export const MINTED_ROWS = 'minted'

/** The right of an agent at another hub, for which one of ours stands in. */
export interface RightElsewhere {
  /** The hub id. */
  readonly hub: string
  readonly capId: string
  /** The root key there, and for whom it was minted, as that hub said. */
  readonly kid: number
  readonly subject?: string
  /** SHA-256 of the treaty under which it was exchanged, in hex. */
  readonly treaty: string
}

/** What is kept of a right that was minted: never a token, nor what one could be made of. */
export interface MintedRight {
  readonly capId: string
  /** Under which it was minted and renewed, oldest first. */
  readonly kids: readonly number[]
  readonly tenant: string
  readonly verbs: readonly string[]
  /** Of the token that lasts longest, in Unix seconds. */
  readonly expires: number
  /** For how long a token of it is minted or renewed. */
  readonly ttlS: number
  /** With a right that was given out in exchange. */
  readonly origin?: RightElsewhere
}

/**
 * The rights that have living tokens, for the operator's list and for renewal. A right whose tokens have all expired is
 * forgotten; beyond 100,000 the one that expires first is, which can then be revoked but not renewed. Survives a power
 * cut. Whoever can write here can make a right renewable that is not, within its tokens' own bounds.
 */
export class MintedList {
  readonly #rows: CheckedRows
  readonly #capacity: number
  readonly #rights = new Map<string, MintedRight>()

  private constructor(rows: CheckedRows, capacity: number) {
    this.#rows = rows
    this.#capacity = capacity
  }

  /** `onDamaged` hears the ids of rights that cannot be read any more; they are forgotten. */
  static async open(
    level: () => Level,
    {
      onDamaged = () => undefined,
      capacity = MAX_LISTED
    }: { readonly onDamaged?: (capId: string) => void; readonly capacity?: number } = {}
  ): Promise<MintedList> {
    const rows = new CheckedRows(level, MINTED_ROWS)
    const list = new MintedList(rows, capacity)
    for (const { key, value } of await rows.all()) {
      if (value === undefined) onDamaged(key)
      else list.#rights.set(key, value as MintedRight)
    }
    return list
  }

  get size(): number {
    return this.#rights.size
  }

  get(capId: string): MintedRight | undefined {
    return this.#rights.get(capId)
  }

  /** Those with a token that has not expired, the one that ends first first. */
  living(nowS: number): MintedRight[] {
    return [...this.#rights.values()]
      .filter(({ expires }) => nowS < expires)
      .sort((a, b) => a.expires - b.expires || (a.capId < b.capId ? -1 : 1))
  }

  /** Those that were given out under a root key, and under a later one as well. */
  renewedFrom(kid: number): MintedRight[] {
    return [...this.#rights.values()].filter(({ kids }) => kids.includes(kid) && kids.at(-1) !== kid)
  }

  /** Known at once; resolves once it would survive a power cut. What cannot be written is as it was before. */
  async put(right: MintedRight, nowS: number): Promise<void> {
    const { capId } = right
    const before = this.#rights.get(capId)
    const forgotten = this.#makeRoom(capId, nowS)
    this.#rights.set(capId, right)
    try {
      await this.#rows.put([{ key: capId, value: right }])
    } catch (error) {
      if (this.#rights.get(capId) === right && before !== undefined) this.#rights.set(capId, before)
      else if (this.#rights.get(capId) === right) this.#rights.delete(capId)
      throw error
    }
    await this.#rows.forget(forgotten)
  }

  /** Forgets the rights without a living token, and those of a tenant. */
  async forget(nowS: number, tenant?: string): Promise<void> {
    const gone = [...this.#rights.values()].filter(right => right.tenant === tenant || right.expires <= nowS)
    await this.#rows.forget(this.#drop(gone))
  }

  #makeRoom(capId: string, nowS: number): string[] {
    if (this.#rights.size < this.#capacity || this.#rights.has(capId)) return []
    const rights = [...this.#rights.values()]
    const expired = rights.filter(({ expires }) => expires <= nowS)
    const first = rights.reduce((least, right) => (right.expires < least.expires ? right : least))
    return this.#drop(expired.length > 0 ? expired : [first])
  }

  #drop(rights: readonly MintedRight[]): string[] {
    const ids = rights.map(({ capId }) => capId)
    for (const id of ids) this.#rights.delete(id)
    return ids
  }
}
