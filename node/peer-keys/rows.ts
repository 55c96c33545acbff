import {
  HUB_PROOF_KINDS,
  MAX_DECIDED,
  delegatedKey,
  equivocationLine,
  hubPublicKey,
  keyRecordLine,
  noKeys,
  parseEquivocation,
  parseKeyRecord,
  proofDigest
} from '../../federation/index.ts'
import type { EquivocationProof, HubKeys, KeyRecord, Succession } from '../../federation/index.ts'
import { SetupError } from '../setup-error.ts'
import type { Row } from '../stores/checked-rows.ts'

/** Of the rows of this store; a newer one is refused. */
const FORMAT = 1
const FORMAT_KEY = 'format'
/** Epochs in keys sort as numbers. */
const EPOCH_DIGITS = 16

/** A row that is to be written. */
export type NewRow = { readonly key: string; readonly value: unknown }

/** All that the rows say. */
export interface StoredKeys {
  readonly hubs: ReadonlyMap<string, HubKeys>
  readonly successions: readonly Succession[]
  /** Hub ids whose succession this hub's operator has confirmed, with the one that follows. */
  readonly confirmed: ReadonlyMap<string, string>
  /** Keys (hex) of revocations that cannot be read any more, by hub: they stay revoked. */
  readonly revoked: ReadonlyMap<string, ReadonlySet<string>>
  /** Rows of proofs that cannot be read any more, by hub: it stays in quarantine. */
  readonly proofs: ReadonlyMap<string, readonly string[]>
  /** Keys of all rows that cannot be read. */
  readonly damaged: readonly string[]
  readonly isEmpty: boolean
}

export const formatRow: NewRow = { key: FORMAT_KEY, value: { version: FORMAT } }

/** The row of a record, first seen or learned at a time in Unix seconds. */
export function recordRow(one: KeyRecord, atS: number): NewRow {
  return { key: recordKey(one), value: { line: keyRecordLine(one), at: atS } }
}

/** The row of a succession that an operator has confirmed. */
export const confirmedRow = (record: Succession, atS: number): NewRow => {
  const one: KeyRecord = { kind: 'succession', record }
  return { key: recordKey(one), value: { line: keyRecordLine(one), at: atS, confirmed: true } }
}

export function proofRow(hub: string, proof: EquivocationProof): NewRow {
  const { kind, lines, foundAt, decidedAt } = proof
  const value = { kind, lines, found: foundAt, ...(decidedAt !== undefined && { decided: decidedAt }) }
  return { key: `p/${hub}/${proofDigest(proof)}`, value }
}

/** The rows of a new proof and of the one that gave way to it, of which the digest stays. */
export const proofRows = (
  hub: string,
  { proof, gone }: { readonly proof: EquivocationProof; readonly gone: EquivocationProof | undefined }
): readonly NewRow[] => [
  ...(gone === undefined
    ? []
    : [{ key: proofRow(hub, gone).key, value: { gave_way: true, decided: gone.decidedAt } }]),
  proofRow(hub, proof)
]

export function recordKey(one: KeyRecord): string {
  if (one.kind === 'succession') return `s/${one.record.statement.hub}`
  if (one.kind === 'key_revocation') return `r/${one.record.statement.hub}/${one.record.statement.key}`
  const { hub, role, node, epoch } = one.record.statement
  return `d/${hub}/${role}/${node}/${String(epoch).padStart(EPOCH_DIGITS, '0')}`
}

/**
 * What rows say. One that is damaged is passed over, unless its key alone says enough to keep the hub out: a revoked
 * key stays revoked, a hub against which there was a proof in quarantine. Signatures were verified before they were
 * written, and are not again.
 * @throws SetupError `newerFormat` for rows of a newer version
 */
export function storedKeys(rows: readonly Row[]): StoredKeys {
  const state = new Reading()
  for (const row of rows) if (!state.take(row)) state.damaged.push(row.key)
  state.close()
  return state
}

class Reading implements StoredKeys {
  readonly hubs = new Map<string, HubKeys>()
  readonly successions: Succession[] = []
  readonly confirmed = new Map<string, string>()
  readonly revoked = new Map<string, Set<string>>()
  readonly proofs = new Map<string, string[]>()
  readonly damaged: string[] = []
  isEmpty = true
  readonly gone: { readonly hub: string; readonly digest: string; readonly decided: number }[] = []

  /** Puts proofs that gave way in the order in which they were decided. */
  close(): void {
    for (const { hub, digest, decided } of this.gone.sort((a, b) => a.decided - b.decided)) {
      const { decided: before, ...rest } = this.#of(hub)
      const all = [...before, [digest, decided] as const].slice(-MAX_DECIDED)
      this.hubs.set(hub, { ...rest, decided: new Map(all) })
    }
  }

  /** False for a row that cannot be read. */
  take({ key, value }: Row): boolean {
    this.isEmpty = false
    if (key === FORMAT_KEY) return isFormat(value)
    const [kind = '', hub = '', rest = ''] = key.split('/', 3)
    if (hubPublicKey(hub) === undefined) return false
    try {
      if (kind === 'p') this.#takeProof(hub, key, value)
      else this.#takeRecord(hub, key, value)
      return true
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error
      if (kind === 'r') this.revoked.set(hub, (this.revoked.get(hub) ?? new Set()).add(rest))
      if (kind === 'p') this.proofs.set(hub, [...(this.proofs.get(hub) ?? []), key])
      return false
    }
  }

  #takeRecord(hub: string, key: string, value: unknown): void {
    const { line, at, confirmed } = (value ?? {}) as Readonly<Record<string, unknown>>
    if (typeof line !== 'string' || typeof at !== 'number') throw new SyntaxError('not a record')
    const one = parseKeyRecord(line)
    if (recordKey(one) !== key) throw new SyntaxError('stands in another place')
    if (one.kind === 'succession') {
      this.successions.push(one.record)
      if (confirmed === true) this.confirmed.set(hub, one.record.statement.successor)
      return
    }
    if (one.kind === 'delegation' && delegatedKey(one.record.statement) === undefined)
      throw new SyntaxError('not a usable key')
    const { book, ...rest } = this.#of(hub)
    const next =
      one.kind === 'delegation'
        ? { ...book, delegations: [...book.delegations, one.record] }
        : { ...book, revocations: [...book.revocations, { revocation: one.record, learnedAt: at }] }
    this.hubs.set(hub, { book: next, ...rest })
  }

  #takeProof(hub: string, key: string, value: unknown): void {
    const { kind, lines, found, decided, gave_way } = (value ?? {}) as Readonly<Record<string, unknown>>
    const digest = key.split('/')[2]
    if (gave_way === true && typeof decided === 'number' && digest !== undefined) {
      this.gone.push({ hub, digest, decided })
      return
    }
    const known = HUB_PROOF_KINDS.find(one => one === kind)
    const isOfKeys = known === 'delegation' || known === 'succession'
    const isWhole =
      known !== undefined &&
      Array.isArray(lines) &&
      lines.length === (isOfKeys ? 2 : 1) &&
      typeof found === 'number' &&
      (decided === undefined || typeof decided === 'number')
    if (!isWhole) throw new SyntaxError('not a proof')
    const read = isOfKeys
      ? (line: string) => keyRecordLine(parseKeyRecord(line))
      : (line: string) => equivocationLine(parseEquivocation(line))
    const proof: EquivocationProof = {
      kind: known,
      lines: (lines as unknown[]).map(line => read(String(line))),
      foundAt: found,
      decidedAt: decided
    }
    if (proofRow(hub, proof).key !== key) throw new SyntaxError('stands in another place')
    const { proofs, ...rest } = this.#of(hub)
    this.hubs.set(hub, { ...rest, proofs: [...proofs, proof] })
  }

  #of(hub: string): HubKeys {
    return this.hubs.get(hub) ?? noKeys(hub)
  }
}

/** @throws SetupError `newerFormat` */
function isFormat(value: unknown): boolean {
  const { version } = (value ?? {}) as { readonly version?: unknown }
  if (typeof version !== 'number') return false
  if (version <= FORMAT) return true
  throw new SetupError(
    'newerFormat',
    `the keys of other hubs are stored in format ${version}, this version reads up to ${FORMAT}: use the newer omnigate that wrote them`
  )
}
