import {
  type Forms,
  type HeldSnapshot,
  exactly,
  forms,
  readForm,
  textOf,
  whole
} from '../../federation/index.ts'
import { CheckedRows } from '../stores/checked-rows.ts'
import type { Level } from '../stores/level.ts'

/** The name of the rows in a store. */
export const SNAPSHOT_ROWS = 'snapshots'
export const OWN = 'own'
const SEQ_DIGITS = 16
const BEGUN = 'begun'
const BEGUN_ROW = exactly({ at: forms.seconds })

/** A snapshot that is kept. */
export interface KeptSnapshot {
  /** `own`, or a hub id. */
  readonly owner: string
  readonly held: HeldSnapshot
  /** Of its package. */
  readonly cid: string
  readonly bytes: number
}

const HELD: Forms = {
  created: forms.seconds,
  expires: forms.seconds,
  revocations: whole(0),
  seq: whole(1),
  sha256: forms.hex32
}
const AUDIT = exactly({ origin: textOf(/^[\x21-\x7e]{1,200}$/, 'an origin'), size: whole(0) })
const ROW = exactly({
  held: exactly(HELD, { audit: AUDIT }),
  cid: textOf(/^[a-z2-7]{1,128}$/, 'a content id'),
  bytes: whole(1)
})

/**
 * Which snapshots are kept, and of whom, in the order of their numbers. Each change survives a power cut once it resolves.
 * A row that is damaged is passed over and told of; whoever can write to the store can have a hub's older snapshot taken
 * again, by taking its rows away.
 */
export class SnapshotRows {
  readonly #rows: CheckedRows
  #begun: number | undefined
  readonly #kept = new Map<string, KeptSnapshot[]>()

  private constructor(rows: CheckedRows) {
    this.#rows = rows
  }

  static async open(level: () => Level, onDamaged: (row: string) => void): Promise<SnapshotRows> {
    const rows = new CheckedRows(level, SNAPSHOT_ROWS)
    const open = new SnapshotRows(rows)
    for (const { key, value } of await rows.all()) {
      if (key === BEGUN) {
        const begun = readForm(BEGUN_ROW, value)
        if ('value' in begun) open.#begun = begun.value.at
        else onDamaged(key)
        continue
      }
      const read = readForm(ROW, value)
      if ('problems' in read) onDamaged(key)
      else open.#add({ owner: key.slice(0, key.indexOf('/')), ...read.value } as KeptSnapshot)
    }
    return open
  }

  /** Since when snapshots are made here, in Unix seconds: from the first time that this was asked. Durable. */
  async begin(nowS: number): Promise<number> {
    if (this.#begun === undefined) await this.#rows.put([{ key: BEGUN, value: { at: nowS } }])
    return (this.#begun ??= nowS)
  }

  /** In ascending order. */
  of(owner: string): readonly KeptSnapshot[] {
    return this.#kept.get(owner) ?? []
  }

  newest(owner: string): KeptSnapshot | undefined {
    return this.#kept.get(owner)?.at(-1)
  }

  get owners(): readonly string[] {
    return [...this.#kept.keys()]
  }

  async put(kept: KeptSnapshot): Promise<void> {
    const { owner: _, ...value } = kept
    await this.#rows.put([{ key: keyOf(kept), value }])
    this.#add(kept)
  }

  async remove(kept: KeptSnapshot): Promise<void> {
    await this.#rows.remove([keyOf(kept)])
    this.#kept.set(
      kept.owner,
      this.of(kept.owner).filter(one => one !== kept)
    )
  }

  #add(kept: KeptSnapshot): void {
    const others = this.of(kept.owner).filter(({ held }) => held.seq !== kept.held.seq)
    this.#kept.set(
      kept.owner,
      [...others, kept].sort((a, b) => a.held.seq - b.held.seq)
    )
  }
}

const keyOf = ({ owner, held }: KeptSnapshot): string =>
  `${owner}/${String(held.seq).padStart(SEQ_DIGITS, '0')}`
