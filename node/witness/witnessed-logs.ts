import { WITNESS, parseOrigin } from '../../federation/index.ts'
import type { SeenHead, SeenLog } from '../../federation/index.ts'
import { OapError } from '../../protocols/index.ts'
import { CheckedRows } from '../stores/checked-rows.ts'
import type { Level } from '../stores/level.ts'

/** The name of the rows in a store. */
export const WITNESS_ROWS = 'witness'
const LOG = 'log/'

/**
 * The heads of logs of other hubs that this one has seen. What is kept is durable before a cosignature leaves, so that
 * no restart makes a witness forget; a row that is damaged keeps its log from being cosigned. It stays when a hub is
 * removed, until its operator has it forgotten. Whoever can write to the store can make this witness forget, and by that
 * cosign two histories.
 */
export class WitnessedLogs {
  readonly #rows: CheckedRows
  readonly #seen: Map<string, SeenLog>
  readonly #damaged: Set<string>
  readonly #ofHub = new Map<string, number>()
  readonly #newest = new Map<string, string>()

  private constructor(rows: CheckedRows, seen: Map<string, SeenLog>, damaged: Set<string>) {
    this.#rows = rows
    this.#seen = seen
    this.#damaged = damaged
    for (const origin of [...seen.keys(), ...damaged]) this.#count(origin)
  }

  static async open(
    level: () => Level,
    { onDamaged }: { readonly onDamaged?: (origin: string) => void } = {}
  ): Promise<WitnessedLogs> {
    const rows = new CheckedRows(level, WITNESS_ROWS)
    const seen = new Map<string, SeenLog>()
    const damaged = new Set<string>()
    for (const { key, value } of await rows.all()) {
      if (!key.startsWith(LOG)) continue
      const origin = key.slice(LOG.length)
      if (isSeen(value)) seen.set(origin, value.seen)
      else damaged.add(origin)
    }
    for (const origin of damaged) onDamaged?.(origin)
    return new WitnessedLogs(rows, seen, damaged)
  }

  get size(): number {
    return this.#seen.size
  }

  /** Undefined for a log that was never seen. Throws `conflict` where what was seen of it is damaged. */
  seenOf(origin: string): SeenLog | undefined {
    if (this.#damaged.has(origin))
      throw new OapError('conflict', 'what was seen of this log is damaged here', { code: 'damaged' })
    return this.#seen.get(origin)
  }

  /** Whether there is room for one more log of a hub: for a few of each whatever others have, so that none takes all. */
  hasRoom(hub: string): boolean {
    const count = this.#ofHub.get(hub) ?? 0
    return count < WITNESS.logsReserved || (this.#seen.size < WITNESS.logs && count < WITNESS.logsOfHub)
  }

  /** The origin of the log that a hub showed last since this node started; undefined where it showed none. */
  newestOf(hub: string): string | undefined {
    return this.#newest.get(hub)
  }

  /** Resolves once it would survive a power cut. */
  async keep(origin: string, seen: SeenLog): Promise<void> {
    this.#newest.set(hubOf(origin), origin)
    if (this.#seen.get(origin) === seen) return
    await this.#rows.put([{ key: `${LOG}${origin}`, value: { seen } }])
    if (!this.#seen.has(origin)) this.#count(origin)
    this.#seen.set(origin, seen)
  }

  /** The origins of a hub's logs of which anything is known, also of what is damaged. */
  of(hub: string): readonly string[] {
    return [...this.#seen.keys(), ...this.#damaged].filter(origin => parseOrigin(origin)?.hubId === hub)
  }

  /** Forgets logs of a hub, as an operator wants it; resolves once they are gone after a power cut, too. */
  async forget(hub: string, origins: readonly string[]): Promise<void> {
    await this.#rows.remove(origins.map(origin => `${LOG}${origin}`))
    for (const origin of origins) {
      this.#seen.delete(origin)
      this.#damaged.delete(origin)
    }
    const left = this.of(hub).length
    this.#newest.delete(hub)
    if (left === 0) this.#ofHub.delete(hub)
    else this.#ofHub.set(hub, left)
  }

  #count(origin: string): void {
    const hub = hubOf(origin)
    this.#ofHub.set(hub, (this.#ofHub.get(hub) ?? 0) + 1)
  }
}

const hubOf = (origin: string): string => parseOrigin(origin)?.hubId ?? ''

function isSeen(value: unknown): value is { readonly seen: SeenLog } {
  const { seen } = (value ?? {}) as { readonly seen?: unknown }
  return Array.isArray(seen) && seen.length > 0 && seen.every(isHead)
}

function isHead(value: unknown): value is SeenHead {
  const { size, root, note, delegation } = (value ?? {}) as Readonly<Record<string, unknown>>
  return (
    Number.isSafeInteger(size) &&
    typeof root === 'string' &&
    typeof note === 'string' &&
    typeof delegation === 'string'
  )
}
