import { crc32 } from 'node:zlib'
import type { AbstractBatchOperation } from 'abstract-level'
import type { Level } from './level.ts'

// abstract-level's types know no `sync`; LevelDB does, and a store in memory ignores it.
const DURABLE: object = { sync: true }
const CHECK_BYTES = 4

/** Bytes of a row: its check, then JSON. LevelDB returns a flipped bit in silence. */
function rowBytes(value: unknown): Uint8Array {
  const json = Buffer.from(JSON.stringify(value))
  const bytes = Buffer.alloc(CHECK_BYTES + json.length)
  bytes.writeUInt32LE(crc32(json))
  json.copy(bytes, CHECK_BYTES)
  return bytes
}

/** What a row holds; undefined when it is damaged. */
function rowOf(bytes: Uint8Array): unknown {
  const row = Buffer.from(bytes)
  if (row.length < CHECK_BYTES || row.readUInt32LE() !== crc32(row.subarray(CHECK_BYTES))) return undefined
  return JSON.parse(row.toString('utf8', CHECK_BYTES))
}

export interface Row {
  readonly key: string
  /** Undefined when it is damaged. */
  readonly value: unknown
}

/** A change of rows, of whichever name of a store. */
export type RowChange = AbstractBatchOperation<Level, string, Uint8Array>

/** Rows of JSON under one name of a store. `level` is asked each time: a store that failed is opened again. */
export class CheckedRows {
  readonly #level: () => Level
  readonly #name: string

  constructor(level: () => Level, name: string) {
    this.#level = level
    this.#name = name
  }

  get #rows() {
    return this.#level().sublevel<string, Uint8Array>(this.#name, { valueEncoding: 'view' })
  }

  async all(): Promise<Row[]> {
    const entries = await this.#rows.iterator().all()
    return entries.map(([key, bytes]) => ({ key, value: rowOf(bytes) }))
  }

  /** Resolves once they would survive a power cut, all or none. */
  async put(rows: readonly { readonly key: string; readonly value: unknown }[]): Promise<void> {
    await this.write(this.puts(rows))
  }

  /** What puts rows, for `write`. */
  puts(rows: readonly { readonly key: string; readonly value: unknown }[]): RowChange[] {
    const sublevel = this.#rows
    return rows.map(({ key, value }) => ({ type: 'put', key, value: rowBytes(value), sublevel }))
  }

  /** What puts one row in the place of another, for `write`. */
  replaces(key: string, by: { readonly key: string; readonly value: unknown }): RowChange[] {
    return [{ type: 'del', key, sublevel: this.#rows }, ...this.puts([by])]
  }

  /** Resolves once all changes would survive a power cut; they are made all or none, also those of another name. */
  async write(changes: readonly RowChange[]): Promise<void> {
    await this.#rows.batch([...changes], DURABLE)
  }

  /** Resolves once they would be gone after a power cut, too. */
  async remove(keys: readonly string[]): Promise<void> {
    await this.#rows.batch(
      keys.map(key => ({ type: 'del', key })),
      DURABLE
    )
  }

  /** Need not survive a power cut: what comes back is forgotten again. */
  async forget(keys: readonly string[]): Promise<void> {
    if (keys.length > 0) await this.#rows.batch(keys.map(key => ({ type: 'del', key })))
  }
}
