import { hash as digest } from 'node:crypto'
import { DECISION_RECORD, EVIDENCE, exactly, flag, forms, readForm, whole } from '../../federation/index.ts'
import type { Formed } from '../../federation/index.ts'
import { CheckedRows } from '../stores/checked-rows.ts'
import type { RowChange } from '../stores/checked-rows.ts'
import type { Level } from '../stores/level.ts'
import type { Item } from './types.ts'

const ROWS = 'quarantine'
const ITEMS = 'quarantine-items'
const LENGTH_BYTES = 4

const KEPT = exactly({
  evidence: EVIDENCE,
  record: DECISION_RECORD,
  /** Of statement and body. */
  bytes: whole(0),
  /** Of what is kept under its id. */
  sha256: forms.hex32,
  /** Unix time in milliseconds. */
  kept_at: whole(0),
  /** The operator released it, and it may have been delivered. */
  releasing: flag
})

/** An item that waits for the operator, without the item itself. */
export type Kept = Formed<typeof KEPT>

/**
 * Items that wait for the operator: a row of what is known of each, and its bytes beside it, so that opening reads no
 * bodies. Every write survives a power cut. Whoever can write to the store can have an item delivered that was not
 * accepted; its origin signed it all the same.
 */
export class KeptRows {
  readonly #level: () => Level
  readonly #rows: CheckedRows

  constructor(level: () => Level) {
    this.#level = level
    this.#rows = new CheckedRows(level, ROWS)
  }

  /** All rows by id; undefined for a damaged one. */
  async all(): Promise<{ readonly id: string; readonly kept: Kept | undefined }[]> {
    const rows = await this.#rows.all()
    return rows.map(({ key, value }) => {
      const read = readForm(KEPT, value)
      const isWhole = 'value' in read && read.value.evidence.id === key
      return { id: key, kept: isWhole ? read.value : undefined }
    })
  }

  /** Keeps an item with its row. Yields the row. */
  async add(kept: Omit<Kept, 'bytes' | 'sha256'>, item: Item): Promise<Kept> {
    const value = itemBytes(item)
    const row: Kept = { ...kept, bytes: bytesOf(item), sha256: digest('sha256', value, 'hex') }
    const sublevel = this.#items
    const body: RowChange = { type: 'put', key: kept.evidence.id, value, sublevel }
    await this.#rows.write([...this.#rows.puts([{ key: kept.evidence.id, value: row }]), body])
    return row
  }

  /** Writes a row again. */
  async change(kept: Kept): Promise<void> {
    await this.#rows.put([{ key: kept.evidence.id, value: kept }])
  }

  /** Undefined when it is not as it was kept. */
  async item({ evidence: { id }, sha256 }: Kept): Promise<Item | undefined> {
    const bytes = await this.#items.get(id)
    if (bytes === undefined || digest('sha256', bytes, 'hex') !== sha256) return undefined
    const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    const end = LENGTH_BYTES + view.readUInt32LE()
    return { statement: bytes.subarray(LENGTH_BYTES, end), body: bytes.subarray(end) }
  }

  async remove(id: string): Promise<void> {
    const sublevel = this.#items
    await this.#rows.write([
      { type: 'del', key: id, sublevel },
      { type: 'del', key: id, sublevel: this.#level().sublevel<string, Uint8Array>(ROWS, VIEW) }
    ])
  }

  get #items() {
    return this.#level().sublevel<string, Uint8Array>(ITEMS, VIEW)
  }
}

const VIEW = { valueEncoding: 'view' } as const

export const bytesOf = ({ statement, body }: Item): number => statement.length + body.length

function itemBytes({ statement, body }: Item): Uint8Array {
  const bytes = Buffer.alloc(LENGTH_BYTES + statement.length + body.length)
  bytes.writeUInt32LE(statement.length)
  bytes.set(statement, LENGTH_BYTES)
  bytes.set(body, LENGTH_BYTES + statement.length)
  return bytes
}
