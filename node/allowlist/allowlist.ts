import { createHash } from 'node:crypto'
import { canonicalJson, hubPublicKey, readTreaty } from '../../federation/index.ts'
import type { Treaty } from '../../federation/index.ts'
import { OapError } from '../../protocols/index.ts'
import { auditEvent } from '../audit/index.ts'
import type { AuditEvent } from '../audit/index.ts'
import type { By } from '../capabilities/audit.ts'
import { InTurn } from '../capabilities/in-turn.ts'
import { multiaddrProblem } from '../config/index.ts'
import { checkHubId } from '../hub-id-check.ts'
import { CheckedRows } from '../stores/checked-rows.ts'
import type { RowChange } from '../stores/checked-rows.ts'
import type { Level } from '../stores/level.ts'
import { readTreatyDocument, tenantProblems } from './treaty.ts'

export const MAX_HUBS = 1024
export const MAX_ADDRESSES = 16
export const MAX_NOTE_BYTES = 256
/** The name of the rows in a store. */
export const PEER_ROWS = 'peers'

/** A hub that may federate with this one. */
export interface AllowedHub {
  /** The hub id. */
  readonly hub: string
  /** Where its nodes can be dialled; none where it dials us. */
  readonly addresses: readonly string[]
  /** What it may do here. */
  readonly treaty: Treaty
  /** The operator's own words. */
  readonly note: string
  /** `config` for an entry of `federation.peers`, which only the configuration changes. */
  readonly source: 'store' | 'config'
  /** Unix seconds of its last change here; undefined for one of the configuration. */
  readonly changedAt: number | undefined
}

/** An entry of `federation.peers`. */
export type ConfiguredHub = Pick<AllowedHub, 'hub' | 'addresses' | 'treaty' | 'note'>

/** What is to be changed of an entry. */
export type HubEdit = Partial<Omit<ConfiguredHub, 'hub'>>

export interface AllowlistChange {
  readonly hub: string
  /** `expire`: its treaty has come to its end, and the entry is as it was. */
  readonly change: 'add' | 'edit' | 'remove' | 'expire'
}

export interface AllowlistOptions {
  /** This hub's own id, which is never on the list. */
  readonly self: string
  readonly configured: readonly ConfiguredHub[]
  /** Resolves once the event would survive a power cut. */
  readonly record: (event: AuditEvent) => Promise<unknown>
  /** Whether there is a tenant of an id. */
  readonly isTenant: (id: string) => boolean
  /** Unix seconds by the clock that cannot be set back. */
  readonly seconds: () => number
  /** The store ends with the process, so nothing may change. */
  readonly isPassing?: boolean
  /** Hears of a stored entry that cannot be read; its hub is not allowed. */
  readonly onDamaged?: (hub: string) => void
}

/** Has something written together with changes of its own. */
export type WriteTogether = (write: (changes: readonly RowChange[]) => Promise<void>) => Promise<void>

/**
 * The hubs that may federate with this one; where it is empty, none may. A change is durable and recorded before it is
 * answered, and listeners hear of it as soon as it is durable. Whoever can write to the store can allow a hub or give it
 * more than the operator did.
 */
export class Allowlist {
  readonly #o: AllowlistOptions
  readonly #rows: CheckedRows
  readonly #stored: Map<string, AllowedHub>
  readonly #configured: ReadonlyMap<string, AllowedHub>
  readonly #turns = new InTurn()
  readonly #listeners = new Set<(change: AllowlistChange) => void>()
  readonly #lapsed = new WeakSet<AllowedHub>()

  private constructor(options: AllowlistOptions, rows: CheckedRows, stored: Map<string, AllowedHub>) {
    this.#o = options
    this.#rows = rows
    this.#stored = stored
    this.#configured = new Map(
      options.configured.map(entry => [entry.hub, { ...entry, source: 'config', changedAt: undefined }])
    )
  }

  static async open(level: () => Level, options: AllowlistOptions): Promise<Allowlist> {
    const rows = new CheckedRows(level, PEER_ROWS)
    const stored = new Map<string, AllowedHub>()
    for (const { key, value } of await rows.all()) {
      const entry = storedEntry(key, value)
      if (entry === undefined) options.onDamaged?.(key)
      else stored.set(key, entry)
    }
    return new Allowlist(options, rows, stored)
  }

  get size(): number {
    return this.list().length
  }

  /** Shares of treaties whose tenant is not there: they allow nothing. */
  orphans(): readonly { readonly hub: string; readonly problem: string }[] {
    return this.list().flatMap(({ hub, treaty }) =>
      tenantProblems(treaty, this.#o.isTenant).map(problem => ({ hub, problem }))
    )
  }

  /** Hubs whose stored entry is hidden by one of the configuration, and holds again when that is gone. */
  hidden(): readonly string[] {
    return [...this.#configured.keys()].filter(hub => this.#stored.has(hub))
  }

  /** All entries by hub id. An entry of the configuration hides one of the store. */
  list(): AllowedHub[] {
    const all = new Map([...this.#stored, ...this.#configured])
    return [...all.values()].sort((a, b) => (a.hub < b.hub ? -1 : 1))
  }

  /** The entry of a hub; undefined for a hub that is not allowed. */
  get(hub: string): AllowedHub | undefined {
    return this.#configured.get(hub) ?? this.#stored.get(hub)
  }

  /** The same. Throws `not_found` with the way out. */
  find(hub: string): AllowedHub {
    const found = this.get(hub)
    if (found !== undefined) return found
    checkHubId(hub)
    throw new OapError('not_found', `hub ${hub}: is not on the allowlist; see peer list`)
  }

  /** Whether a treaty has come to its end. */
  isOver({ treaty }: Pick<AllowedHub, 'treaty'>): boolean {
    return treaty.expires !== undefined && this.#o.seconds() >= treaty.expires
  }

  /** The treaty in a document, or all that is wrong with it here and now, by path. */
  judge(document: unknown): ReturnType<typeof readTreaty> {
    const read = readTreatyDocument(document, { nowS: this.#o.seconds() })
    if ('problems' in read) return read
    const problems = tenantProblems(read.value, this.#o.isTenant)
    return problems.length > 0 ? { problems } : read
  }

  /** Allows a hub. Throws `bad_request`; `conflict` when it is on the list, or the list is full. */
  add(entry: ConfiguredHub, by: By): Promise<AllowedHub> {
    return this.#changing(async () => {
      const { hub } = entry
      this.#check(entry)
      this.#checkTenants(entry.treaty)
      const known = this.get(hub)
      if (known !== undefined) throw taken(known)
      if (this.#stored.size >= MAX_HUBS)
        throw new OapError('conflict', `there are ${MAX_HUBS} hubs on the allowlist already`)
      return this.#keep({ ...entry, source: 'store', changedAt: this.#o.seconds() }, 'add', by)
    })
  }

  /** Changes an entry. Throws `not_found`, `bad_request`, `conflict` for one of the configuration. */
  edit(hub: string, edit: HubEdit, by: By): Promise<AllowedHub> {
    return this.#changing(async () => {
      const entry = { ...this.#ours(hub), ...edit, changedAt: this.#o.seconds() }
      this.#check(entry)
      if (edit.treaty !== undefined) this.#checkTenants(edit.treaty)
      return this.#keep(entry, 'edit', by)
    })
  }

  /** Allows a hub no more; yields what was there. Throws as `edit`. */
  remove(hub: string, by: By): Promise<AllowedHub> {
    return this.#changing(async () => {
      const entry = this.#ours(hub)
      await this.#rows.remove([hub])
      this.#stored.delete(hub)
      await this.#changed(entry, 'remove', by)
      return entry
    })
  }

  /**
   * Gives the place of a hub on the list, with its treaty, to the one that it goes on as, once nothing stands in the way.
   * `together` is given how to write that with other changes of the store, all or none, and resolves once it has. Throws
   * as `edit`; `conflict` when that one is on the list already.
   */
  succeed(
    hub: string,
    successor: string,
    by: By,
    together: WriteTogether = write => write([])
  ): Promise<AllowedHub> {
    return this.#changing(async () => {
      const entry = { ...this.#ours(hub), hub: successor, changedAt: this.#o.seconds() }
      this.#check(entry)
      const known = this.get(successor)
      if (known !== undefined) throw taken(known)
      const { hub: _, source: __, ...kept } = entry
      const moved = this.#rows.replaces(hub, { key: successor, value: kept })
      await together(changes => this.#rows.write([...changes, ...moved]))
      this.#stored.delete(hub)
      this.#stored.set(successor, entry)
      this.#tell({ hub, change: 'remove' })
      this.#tell({ hub: successor, change: 'add' })
      const { actor, ...ids } = by
      const treaty_sha256 = treatyDigest(entry.treaty)
      await this.#o.record(
        auditEvent('peer', actor, { hub, change: 'succeed', treaty_sha256, successor }, ids)
      )
      return entry
    })
  }

  /** Calls `listener` with each change that is durable, until the function that it gives is called. */
  onChange(listener: (change: AllowlistChange) => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  /** Tells of treaties that came to their end since the last time; for a timer. Yields their hubs. */
  expire(): readonly string[] {
    const lapsed = this.list().filter(entry => this.isOver(entry) && !this.#lapsed.has(entry))
    for (const entry of lapsed) {
      this.#lapsed.add(entry)
      this.#tell({ hub: entry.hub, change: 'expire' })
    }
    return lapsed.map(({ hub }) => hub)
  }

  #ours(hub: string): AllowedHub {
    const entry = this.find(hub)
    if (entry.source === 'store') return entry
    throw new OapError(
      'conflict',
      `hub ${hub}: stands in the configuration, which wins; change it in federation.peers and start the node again`
    )
  }

  #check({ hub, addresses, note }: ConfiguredHub): void {
    checkHubId(hub)
    if (hub === this.#o.self) throw new OapError('bad_request', 'hub: is this hub itself')
    if (addresses.length > MAX_ADDRESSES)
      throw new OapError('bad_request', `address: at most ${MAX_ADDRESSES} of one hub`)
    for (const address of addresses) {
      const problem = multiaddrProblem(address)
      if (problem !== undefined) throw new OapError('bad_request', `address: ${problem}`)
    }
    if (Buffer.byteLength(note) > MAX_NOTE_BYTES || /\p{Cc}/u.test(note))
      throw new OapError('bad_request', `note: one line of at most ${MAX_NOTE_BYTES} bytes`)
  }

  #checkTenants(treaty: Treaty): void {
    const problems = tenantProblems(treaty, this.#o.isTenant)
    if (problems.length > 0) throw new OapError('bad_request', `treaty: ${problems.join('; ')}`)
  }

  async #keep(entry: AllowedHub, change: 'add' | 'edit', by: By): Promise<AllowedHub> {
    const { hub, source: _, ...kept } = entry
    await this.#rows.put([{ key: hub, value: kept }])
    this.#stored.set(hub, entry)
    await this.#changed(entry, change, by)
    return entry
  }

  async #changed({ hub, treaty }: AllowedHub, change: 'add' | 'edit' | 'remove', by: By): Promise<void> {
    this.#tell({ hub, change })
    const treaty_sha256 = treatyDigest(treaty)
    const { actor, ...ids } = by
    await this.#o.record(auditEvent('peer', actor, { hub, change, treaty_sha256 }, ids))
  }

  #tell(change: AllowlistChange): void {
    for (const listener of this.#listeners) listener(change)
  }

  async #changing<T>(change: () => Promise<T>): Promise<T> {
    if (this.#o.isPassing === true)
      throw new OapError(
        'conflict',
        'this node was started with --ephemeral and keeps no change of the allowlist: start it without --ephemeral first'
      )
    return this.#turns.run(change)
  }
}

/** SHA-256 of the canonical JSON of a treaty, in hex. */
export const treatyDigest = (treaty: Treaty): string =>
  createHash('sha256').update(canonicalJson(treaty)).digest('hex')

/** What a row of the store holds; undefined for one that no version of this program has written. */
function storedEntry(hub: string, value: unknown): AllowedHub | undefined {
  const { addresses, note, treaty, changedAt } = (value ?? {}) as Record<string, unknown>
  const read = readTreaty(treaty)
  const isWhole =
    hubPublicKey(hub) !== undefined &&
    Array.isArray(addresses) &&
    addresses.every(address => typeof address === 'string') &&
    typeof note === 'string' &&
    typeof changedAt === 'number'
  if (!isWhole || 'problems' in read) return undefined
  return { hub, addresses, note, changedAt, treaty: read.value, source: 'store' }
}

const taken = ({ hub, source }: AllowedHub): OapError =>
  new OapError(
    'conflict',
    source === 'store'
      ? `hub ${hub}: is on the allowlist already; change it with peer edit and treaty edit, or peer remove it first`
      : `hub ${hub}: stands in federation.peers of the configuration already`
  )
