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

  /** Undefined before the first start. */
  async last(): Promise<Values | undefined> {
    const text = await this.#store.get(KEY)
    return text === undefined ? undefined : (JSON.parse(text) as Values)
  }

  /** To be called once the change is recorded; resolves when it would survive a power cut. */
  async keep(values: Values): Promise<void> {
    await this.#store.put(KEY, JSON.stringify(values), DURABLE)
  }

  get #store() {
    return this.#level.sublevel<string, string>('node', { valueEncoding: 'utf8' })
  }
}
