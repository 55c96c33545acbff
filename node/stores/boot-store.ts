import type { Level } from './level.ts'

const KEY = 'boots'
// abstract-level's types know no `sync`; LevelDB does, and a store in memory ignores it.
const DURABLE: object = { sync: true }

/**
 * How often this data folder was started. Survives a power cut. Whoever can write to the store can turn it back,
 * and with it make leases of an earlier life look current.
 */
export class BootStore {
  readonly #level: Level

  constructor(level: Level) {
    this.#level = level
  }

  /** Counts one more start; resolves with its number, from 1, once it would survive a power cut. */
  async next(): Promise<number> {
    const store = this.#level.sublevel<string, string>('node', { valueEncoding: 'utf8' })
    const boot = Number((await store.get(KEY)) ?? 0) + 1
    await store.put(KEY, String(boot), DURABLE)
    return boot
  }
}
