import type { Level } from './level.ts'

const KEY = 'config'
const DURABLE: object = { sync: true }

type Values = Readonly<Record<string, string>>

/**
 * The configuration of the last start, each key with its value as JSON; secrets are files and not in it. Survives a
 * power cut. Whoever can write to the store can hide a change from the audit log.
 */
export class ConfigStore {
  readonly #level: Level

  constructor(level: Level) {
    this.#level = level
  }

  /** Keeps `values` and yields those before them; undefined at the first start. */
  async swap(values: Values): Promise<Values | undefined> {
    const store = this.#level.sublevel<string, string>('node', { valueEncoding: 'utf8' })
    const before = await store.get(KEY)
    await store.put(KEY, JSON.stringify(values), DURABLE)
    return before === undefined ? undefined : (JSON.parse(before) as Values)
  }
}
