import {
  isRevoked,
  learnRecord,
  noKeys,
  openProof,
  peerPublicKey,
  proofsDecided,
  recordHub,
  succeededBy,
  withProof
} from '../../federation/index.ts'
import type {
  DelegationBook,
  EquivocationProof,
  HubKeys,
  KeyRecord,
  LinkStatement,
  Succession
} from '../../federation/index.ts'
import type { AuditEvent } from '../audit/index.ts'
import { InTurn } from '../capabilities/in-turn.ts'
import { CheckedRows } from '../stores/checked-rows.ts'
import type { RowChange } from '../stores/checked-rows.ts'
import type { Level } from '../stores/level.ts'
import { Chains } from './chains.ts'
import { Draft, quarantined, signatureOf } from './draft.ts'
import { confirmedRow, formatRow, proofRow, proofRows, recordKey, storedKeys } from './rows.ts'
import type { NewRow, StoredKeys } from './rows.ts'

/** The name of the rows in a store. */
export const PEER_KEY_ROWS = 'peer-keys'
/** The most hubs of which anything is kept; beyond that those of the allowlist alone get a place. */
const MAX_HUBS = 4096
/** The most that is kept of all hubs together that come after one of the allowlist, besides their successions. */
const MAX_AFTER = 256

export interface PeerKeysOptions {
  /** Whether a hub is on the allowlist. */
  readonly isAllowed: (hub: string) => boolean
  /** Resolves once the event would survive a power cut. */
  readonly record: (event: AuditEvent) => Promise<unknown>
  /** Unix seconds by the clock that cannot be set back. */
  readonly seconds: () => number
  /** Hears of a stored row that cannot be read. */
  readonly onDamaged?: (row: string) => void
}

/** What changed in what is known of a hub. */
export interface PeerKeyChange {
  readonly hub: string
  readonly change: 'revocation' | 'succession' | 'quarantine' | 'release'
}

/** What became of records that came in. */
export interface Learning {
  readonly learned: number
  readonly known: number
  /** `succession: cycle`; one for each that was not taken. */
  readonly refused: readonly string[]
  /** Hubs against which there is new proof. */
  readonly equivocating: readonly string[]
}

type Refusal = 'not_allowed' | Extract<ReturnType<typeof learnRecord>, { verdict: 'refused' }>['why']

/**
 * What this hub knows of the keys of others: their delegations, key revocations and successions, each with when it was
 * learned, and proofs that one said two things. Only what hubs of the allowlist and those before and after them in a
 * chain of successions signed is taken, at most 256 delegations, 256 revocations and 16 proofs of each, and the digests of
 * 4096 that were decided on. It stays when a
 * hub is removed: what it revoked stays revoked.
 *
 * What is learned is durable before it holds. That a quarantine begins, or ends, is in the audit log before that: after a
 * crash in between it is said there once more than it was so. Revocations and successions hold before they are recorded,
 * since a key that was stolen must not wait for the log; after a crash they are said once less. Damage makes a hub's key
 * no better than it was. Whoever can write to the store can take back a revocation or a quarantine by taking its row away, and can add
 * words that no hub has signed, since signatures are verified when they come in alone; they could as well allow a hub.
 */
export class PeerKeys {
  readonly #o: PeerKeysOptions
  readonly #rows: CheckedRows
  readonly #hubs: Map<string, HubKeys>
  readonly #confirmed: Map<string, string>
  readonly #chains = new Chains()
  readonly #damagedRevoked: StoredKeys['revoked']
  readonly #damagedProofs: Map<string, readonly string[]>
  #isMarked: boolean
  readonly #turns = new InTurn()
  readonly #listeners = new Set<(change: PeerKeyChange) => void>()
  /** Of all that is held: what comes again costs no signature. */
  readonly #held = new Set<string>()

  private constructor(options: PeerKeysOptions, rows: CheckedRows, stored: StoredKeys) {
    this.#o = options
    this.#rows = rows
    this.#hubs = new Map(stored.hubs)
    this.#confirmed = new Map(stored.confirmed)
    for (const succession of stored.successions) this.#chains.add(succession)
    this.#damagedRevoked = stored.revoked
    this.#damagedProofs = new Map(stored.proofs)
    this.#isMarked = !stored.isEmpty
    for (const { book } of this.#hubs.values()) this.#hold(book)
    for (const record of stored.successions) this.#held.add(signatureOf({ kind: 'succession', record }))
  }

  /** @throws SetupError `newerFormat` */
  static async open(level: () => Level, options: PeerKeysOptions): Promise<PeerKeys> {
    const rows = new CheckedRows(level, PEER_KEY_ROWS)
    const stored = storedKeys(await rows.all())
    for (const row of stored.damaged) options.onDamaged?.(row)
    const keys = new PeerKeys(options, rows, stored)
    for (const hub of [...keys.#hubs.keys(), ...stored.successions.map(({ statement }) => statement.hub)])
      await keys.forget(hub)
    return keys
  }

  /** What judges statements of a hub. */
  book(hub: string): DelegationBook {
    return this.#ended(this.#of(hub).book)
  }

  /** Whether nobody links by this delegation any more: its key is revoked, or its hub goes on under another id. */
  isRevoked({ hub, peer_id }: LinkStatement): boolean {
    if (this.#confirmed.has(hub)) return true
    const key = Buffer.from(peerPublicKey(peer_id) ?? []).toString('hex')
    return isRevoked(this.#of(hub).book, key) || this.#damagedRevoked.get(hub)?.has(key) === true
  }

  /** Why the link with a hub is in quarantine; undefined when it is not. */
  quarantine(hub: string): string | undefined {
    const proof = openProof(this.#of(hub))
    if (proof !== undefined) return SAID_TWICE[proof.kind]
    return this.#damagedProofs.has(hub) ? 'a stored proof against it cannot be read' : undefined
  }

  /** All proofs against a hub, also those that were decided on. */
  proofs(hub: string): readonly EquivocationProof[] {
    return this.#of(hub).proofs
  }

  /** Under which hub ids a hub goes on, by its own word, in their order. */
  successors(hub: string): readonly string[] {
    return this.#chains.successors(hub)
  }

  get successions(): readonly Succession[] {
    return this.#chains.all
  }

  /** Takes what hubs have signed about keys, in the order given. Resolves once all that was taken is durable and recorded. */
  learn(records: readonly KeyRecord[]): Promise<Learning> {
    return this.#turns.run(() => this.#learn(records))
  }

  /**
   * Takes proof against a hub that was judged and found to hold. Resolves once it would survive a power cut and is
   * recorded; the hub is in quarantine from then on. `ignored` for a hub that is not on the allowlist, for a proof by a
   * key (hex) that the hub had revoked, and where there are as many as anybody needs.
   */
  prove(
    hub: string,
    proof: Pick<EquivocationProof, 'kind' | 'lines'>,
    keys: readonly string[]
  ): Promise<'new' | 'known' | 'ignored'> {
    return this.#turns.run(async () => {
      const known = this.#of(hub)
      const isLate = keys.some(
        key => isRevoked(known.book, key) || this.#damagedRevoked.get(hub)?.has(key) === true
      )
      if (!this.#o.isAllowed(hub) || isLate) return 'ignored'
      const added = withProof(known, proof, this.#o.seconds())
      if (added === undefined) return 'known'
      if (added === 'full') return 'ignored'
      await this.#o.record(quarantined(hub, added.proof))
      await this.#write(proofRows(hub, added))
      this.#hubs.set(hub, added.hub)
      this.#tell({ hub, change: 'quarantine' })
      return 'new'
    })
  }

  /** All proofs that are held, by the hub that they are against. */
  allProofs(): readonly (readonly [string, EquivocationProof])[] {
    return [...this.#hubs].flatMap(([hub, { proofs }]) => proofs.map(proof => [hub, proof] as const))
  }

  /** The operator has decided: `event` is recorded, and the quarantine of a hub ends. False where there was none. */
  release(hub: string, event?: AuditEvent): Promise<boolean> {
    return this.#turns.run(async () => {
      if (this.quarantine(hub) === undefined) return false
      const decided = proofsDecided(this.#of(hub), this.#o.seconds())
      if (event !== undefined) await this.#o.record(event)
      await this.#write(decided.proofs.map(proof => proofRow(hub, proof)))
      await this.#rows.remove(this.#damagedProofs.get(hub) ?? [])
      this.#damagedProofs.delete(hub)
      this.#hubs.set(hub, decided)
      this.#tell({ hub, change: 'release' })
      return true
    })
  }

  /**
   * The operator has put the next hub of the chain in the place of each of these: what they sign from now on is refused.
   * `write` makes that durable, where more is to be written with it.
   */
  confirm(
    hubs: readonly string[],
    write = (changes: readonly RowChange[]): Promise<void> => this.#rows.write(changes)
  ): Promise<void> {
    return this.#turns.run(async () => {
      const records = hubs.flatMap(hub => this.#chains.next(hub) ?? [])
      const rows = records.map(record => confirmedRow(record, this.#o.seconds()))
      await write(this.#rows.puts(this.#marked(rows)))
      this.#isMarked ||= rows.length > 0
      for (const { statement } of records) {
        this.#confirmed.set(statement.hub, statement.successor)
        this.#tell({ hub: statement.hub, change: 'succession' })
      }
    })
  }

  /**
   * A hub left the allowlist: what it delegated, and who was to follow it, is no longer kept, of its whole chain. What
   * it revoked, what was proved against it and what an operator confirmed stays. Nothing where its chain has a hub of the
   * allowlist. Resolves once it is gone after a power cut, too.
   */
  forget(hub: string): Promise<void> {
    return this.#turns.run(async () => {
      const chain = this.#chains.hubs(hub)
      if (chain.some(this.#o.isAllowed)) return
      const gone = chain.flatMap(one => this.#passing(one))
      if (gone.length === 0) return
      await this.#rows.remove(gone.map(recordKey))
      for (const one of gone) {
        this.#held.delete(signatureOf(one))
        if (one.kind === 'succession') this.#chains.delete(one.record)
      }
      for (const one of chain) this.#dropDelegations(one)
    })
  }

  /** Calls `listener` with each change that is durable, until the function that it gives is called. */
  onChange(listener: (change: PeerKeyChange) => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  async #learn(records: readonly KeyRecord[]): Promise<Learning> {
    const draft = new Draft(this.#chains)
    for (const one of records) {
      if (this.#held.has(signatureOf(one))) draft.known++
      else this.#judge(draft, one)
    }
    for (const event of draft.quarantines) await this.#o.record(event)
    if (draft.rows.length > 0) await this.#write(draft.rows)
    for (const [hub, keys] of draft.hubs) this.#hubs.set(hub, keys)
    for (const succession of draft.successions) this.#chains.add(succession)
    for (const signature of draft.signatures) this.#held.add(signature)
    for (const change of draft.changes) this.#tell(change)
    for (const event of draft.events) await this.#o.record(event)
    const { learned, known, refused, equivocating } = draft
    return { learned, known, refused, equivocating: [...equivocating] }
  }

  #judge(draft: Draft, one: KeyRecord): void {
    const hub = recordHub(one)
    const refusal = this.#notTaken(draft, one)
    if (refusal !== undefined) return void draft.refused.push(`${one.kind}: ${refusal}`)
    const nowS = this.#o.seconds()
    const keys = this.#drafted(draft, hub) ?? noKeys(hub)
    const successions = one.kind === 'succession' ? around(draft.chains, one.record) : []
    const found = learnRecord({ hub: { ...keys, book: this.#ended(keys.book) }, successions }, one, nowS)
    if (found.verdict === 'refused') return void draft.refused.push(`${one.kind}: ${found.why}`)
    if (found.verdict === 'known') return void draft.known++
    if (one.kind === 'succession' && found.verdict === 'new') draft.follows(one.record)
    else draft.hubs.set(hub, found.known.hub)
    if (found.verdict === 'equivocation') return draft.proved(hub, found.proof, found.gone)
    draft.took(one, nowS)
  }

  /** Who may say anything here: hubs of the allowlist, those before them, and, a little, those after them. */
  #notTaken(draft: Draft, one: KeyRecord): Refusal | undefined {
    const { isAllowed } = this.#o
    const hub = recordHub(one)
    if (isAllowed(hub)) return undefined
    const chain = draft.chains.hubs(hub)
    const last = chain.findLastIndex(isAllowed)
    if (last === -1) return 'not_allowed'
    if (one.kind === 'succession') return undefined
    const isNew = this.#drafted(draft, hub) === undefined
    if (isNew && this.#hubs.size + draft.hubs.size >= MAX_HUBS) return 'full'
    const after = chain.slice(last + 1)
    if (!after.includes(hub)) return undefined
    const kept = after.reduce((sum, other) => sum + sizeOf(this.#drafted(draft, other)), 0)
    return kept < MAX_AFTER ? undefined : 'full'
  }

  #drafted(draft: Draft, hub: string): HubKeys | undefined {
    return draft.hubs.get(hub) ?? this.#hubs.get(hub)
  }

  /** What is kept of a hub while it, or one of its chain, is on the allowlist. */
  #passing(hub: string): readonly KeyRecord[] {
    const next = this.#confirmed.has(hub) ? undefined : this.#chains.next(hub)
    return [
      ...this.#of(hub).book.delegations.map(record => ({ kind: 'delegation', record }) as const),
      ...(next === undefined ? [] : [{ kind: 'succession', record: next } as const])
    ]
  }

  #dropDelegations(hub: string): void {
    const known = this.#hubs.get(hub)
    if (known === undefined) return
    const { book, proofs, decided } = known
    const isEmpty = book.revocations.length === 0 && proofs.length === 0 && decided.size === 0
    if (isEmpty) this.#hubs.delete(hub)
    else this.#hubs.set(hub, { ...known, book: { ...book, delegations: [] } })
  }

  #of(hub: string): HubKeys {
    return this.#hubs.get(hub) ?? noKeys(hub)
  }

  #ended(book: DelegationBook): DelegationBook {
    const successor = this.#confirmed.get(book.hub)
    return successor === undefined ? book : succeededBy(book, successor)
  }

  async #write(rows: readonly NewRow[]): Promise<void> {
    await this.#rows.put(this.#marked(rows))
    this.#isMarked = true
  }

  #marked(rows: readonly NewRow[]): readonly NewRow[] {
    return this.#isMarked || rows.length === 0 ? rows : [formatRow, ...rows]
  }

  #hold({ delegations, revocations }: DelegationBook): void {
    for (const record of delegations) this.#held.add(signatureOf({ kind: 'delegation', record }))
    for (const { revocation: record } of revocations)
      this.#held.add(signatureOf({ kind: 'key_revocation', record }))
  }

  #tell(change: PeerKeyChange): void {
    for (const listener of this.#listeners) listener(change)
  }
}

const SAID_TWICE: { readonly [K in EquivocationProof['kind']]: string } = {
  delegation: 'it signed two delegations of one place',
  succession: 'it signed two successions of one place',
  checkpoints: 'it signed two heads of its audit log with one size',
  consistency: 'it signed a head of its audit log that does not go on from an earlier one',
  numbers: 'it gave one number to two messages',
  snapshots: 'it signed two snapshots with one sequence'
}

/** What decides about a succession: the chains of both of its hubs. */
const around = (chains: Chains, { statement: { hub, successor } }: Succession): readonly Succession[] => [
  ...new Set([...chains.of(hub), ...chains.of(successor)])
]

const sizeOf = (keys: HubKeys | undefined): number =>
  keys === undefined ? 0 : keys.book.delegations.length + keys.book.revocations.length + keys.proofs.length
