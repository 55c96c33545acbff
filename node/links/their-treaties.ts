import { TREATY_GRANT, readForm } from '../../federation/index.ts'
import type { TreatyGrant } from '../../federation/index.ts'
import { InTurn } from '../capabilities/in-turn.ts'
import type { CheckedRows } from '../stores/checked-rows.ts'

/** The name of the rows in a store. */
export const THEIR_ROWS = 'theirs'

/**
 * What other hubs grant this one, by their own word, also over a restart: a hub that relays goes by it while the origin is
 * away. At most as many as there are hubs on the allowlist. Whoever can write to the store can have a message of a share go
 * to another hub of the share than its origin lets it, where the operator here does.
 */
export class TheirTreaties {
  readonly #rows: CheckedRows | undefined
  readonly #of = new Map<string, TreatyGrant>()
  /** Hubs of which something else is on the disk. */
  readonly #unwritten = new Set<string>()
  readonly #turns = new InTurn()

  /** @param rows none for what ends with the process. */
  constructor(rows?: CheckedRows) {
    this.#rows = rows
  }

  /** With what was kept of hubs that are allowed; that of others is forgotten, and what is damaged. */
  static async open(rows: CheckedRows, isAllowed: (hub: string) => boolean): Promise<TheirTreaties> {
    const theirs = new TheirTreaties(rows)
    const gone: string[] = []
    for (const { key, value } of await rows.all()) {
      const read = readForm(TREATY_GRANT, value)
      if ('value' in read && isAllowed(key)) theirs.#of.set(key, read.value)
      else gone.push(key)
    }
    if (gone.length > 0) await rows.remove(gone)
    return theirs
  }

  of(hub: string): TreatyGrant | undefined {
    return this.#of.get(hub)
  }

  /** A hub says over its link that it grants this now; false, and nothing changes, for what is no treaty. */
  told(hub: string, treaty: unknown): boolean {
    const read = readForm(TREATY_GRANT, treaty)
    if (!('value' in read)) return false
    if (JSON.stringify(read.value) !== JSON.stringify(this.#of.get(hub))) {
      this.#of.set(hub, read.value)
      this.#unwritten.add(hub)
    }
    return true
  }

  /** A hub said so in its newest proof, which counts whatever was told before. */
  proved(hub: string, treaty: unknown): void {
    if (!this.told(hub, treaty)) this.forget(hub)
  }

  forget(hub: string): void {
    if (this.#of.delete(hub)) this.#unwritten.add(hub)
  }

  /** Resolves once what was told, proved and forgotten would survive a power cut; what could not be written is tried again. */
  keep(): Promise<void> {
    return this.#turns.run(async () => {
      const hubs = [...this.#unwritten]
      if (this.#rows === undefined || hubs.length === 0) return
      this.#unwritten.clear()
      try {
        const here = hubs.filter(hub => this.#of.has(hub))
        await this.#rows.put(here.map(key => ({ key, value: this.#of.get(key) })))
        await this.#rows.remove(hubs.filter(hub => !this.#of.has(hub)))
      } catch (error) {
        for (const hub of hubs) this.#unwritten.add(hub)
        throw error
      }
    })
  }
}
