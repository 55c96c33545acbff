import {
  type DelegationBook,
  type Files,
  type HeldSnapshot,
  type KeyRecord,
  SNAPSHOT_FILE,
  formatSigned,
  type Judged,
  type OpenedSnapshot,
  type SnapshotRefusal,
  type Succeeding,
  authorityRefusal,
  openSnapshot,
  parsePackage,
  succeeding,
  timeRefusal
} from '../../federation/index.ts'
import { OapError, federationService } from '../../protocols/index.ts'
import type { ConnectionCaller } from '../../protocols/index.ts'
import { type AuditEvent, auditEvent } from '../audit/index.ts'
import type { By } from '../capabilities/index.ts'
import { fetchPackage } from './fetching.ts'
import type { SnapshotFolders } from './folders.ts'
import { OWN, type KeptSnapshot, type SnapshotRows } from './rows.ts'
import { heldSnapshot, isSealedBy } from './seal-authority.ts'

const ASK_MS = 10_000
const FETCH_MS = 60_000
const NOT_SHARED =
  'that hub does not give its snapshot: its treaty with this one must have the class federated and the verb storage:get'
/** As many as may be on an allowlist. */
const MOST_HUBS = 1024

export type Taken = Exclude<Succeeding['verdict'], 'refused'>

/** What a hub says of its snapshots; it proves nothing. */
export interface SnapshotSource {
  newest(
    signal: AbortSignal
  ): Promise<{ readonly seq: number; readonly sha256: string; readonly cid: string }>
  /** The bytes with this content id, at most as many as a package may have. */
  package(cid: string, signal: AbortSignal): Promise<Uint8Array>
}

/** A hub as its link is called. */
export const linkedSource = (caller: ConnectionCaller): SnapshotSource => ({
  newest: signal => caller.client(federationService).snapshot({}, { signal, deadlineMs: ASK_MS }),
  package: async (cid, signal) => {
    try {
      return await fetchPackage(caller, cid, AbortSignal.any([signal, AbortSignal.timeout(FETCH_MS)]))
    } catch (error) {
      // What a treaty does not share is answered as if it were not there.
      if (!(error instanceof OapError) || error.code !== 'not_found') throw error
      throw new OapError('not_shared', NOT_SHARED, { cause: error })
    }
  }
})

export interface PeerSnapshotsOptions {
  readonly folders: SnapshotFolders
  readonly rows: SnapshotRows
  /** A linked hub. Throws what the caller is told while there is no link, or it is in quarantine. */
  readonly sourceOf: (hub: string) => SnapshotSource
  readonly bookOf: (hub: string) => DelegationBook
  readonly record: (event: AuditEvent) => Promise<unknown>
  /** Two snapshots of one number, as lines, the one that is held first, with what came with the other about keys. */
  readonly split: (
    hub: string,
    lines: readonly [string, string],
    records: readonly KeyRecord[]
  ) => Promise<void>
  /** Told of each refusal. */
  readonly refused: (hub: string, why: SnapshotRefusal, about: string) => void
  /** Unix seconds. */
  readonly nowS: () => number
  /** How many are kept of one hub. */
  readonly keep: number
}

/**
 * Snapshots of linked hubs. One is kept once all of it was proved: each file by its seal, the seal and the snapshot by a
 * key that its hub delegated, and that it goes on from the newest one kept. The newest one of a hub is never given up for
 * an older one, also after a restart.
 */
export class PeerSnapshots {
  readonly #o: PeerSnapshotsOptions
  readonly #underWay = new Set<string>()

  constructor(options: PeerSnapshotsOptions) {
    this.#o = options
  }

  /** Of a hub, the newest last. */
  of(hub: string): readonly KeptSnapshot[] {
    return this.#o.rows.of(hub)
  }

  /** Hubs of which any is kept. */
  get hubs(): readonly string[] {
    return this.#o.rows.owners.filter(owner => owner !== OWN && this.of(owner).length > 0)
  }

  /** Takes away folders that were cut off before they were known. Once, before all else. */
  async recover(): Promise<void> {
    const { folders } = this.#o
    for (const hub of await folders.owners()) {
      if (hub === OWN) continue
      const known = new Set(this.of(hub).map(({ held }) => held.seq))
      for (const seq of await folders.numbers(hub)) if (!known.has(seq)) await folders.remove(hub, seq)
    }
  }

  /**
   * Gets the newest snapshot of a linked hub. Resolves once it would survive a power cut.
   * Throws `conflict` with the code `snapshot_refused` and the refusal as reason; faults of the other side.
   */
  async fetch(
    hub: string,
    { actor, signal }: { readonly actor: string; readonly signal: AbortSignal }
  ): Promise<{ readonly verdict: Taken; readonly kept: KeptSnapshot }> {
    if (this.#underWay.has(hub))
      throw new OapError('conflict', `hub ${hub}: its snapshot is being fetched`, { code: 'under_way' })
    this.#underWay.add(hub)
    try {
      return await this.#fetch(hub, actor, signal)
    } finally {
      this.#underWay.delete(hub)
    }
  }

  /**
   * Takes away all that is kept of a hub; yields how many. The oldest goes first, so that a crash leaves no older one as the
   * newest. Resolves once it is recorded and gone. Throws `conflict` while one is being fetched.
   */
  async forget(hub: string, { actor, ...ids }: By): Promise<number> {
    if (this.#underWay.has(hub))
      throw new OapError('conflict', `hub ${hub}: its snapshot is being fetched`, { code: 'under_way' })
    this.#underWay.add(hub)
    try {
      const { folders, record, rows } = this.#o
      const all = hub === OWN ? [] : this.of(hub)
      if (all.length === 0) return 0
      await record(auditEvent('peer_forget', actor, { hub, what: 'snapshots', count: all.length }, ids))
      for (const one of all) {
        await rows.remove(one)
        await folders.remove(hub, one.held.seq)
      }
      return all.length
    } finally {
      this.#underWay.delete(hub)
    }
  }

  async #fetch(hub: string, actor: string, signal: AbortSignal) {
    const source = this.#o.sourceOf(hub)
    if (this.of(hub).length === 0 && this.hubs.length >= MOST_HUBS)
      throw new OapError('conflict', `snapshots of ${MOST_HUBS} hubs are kept already; see peer forget`, {
        code: 'full'
      })
    const named = await source.newest(signal)
    const held = this.of(hub).at(-1)
    if (held !== undefined && named.seq === held.held.seq && named.sha256 === held.held.sha256)
      return { verdict: 'known', kept: held } as const
    const bytes = await source.package(named.cid, signal)
    const judged = this.#judge(hub, bytes, held?.held)
    if ('why' in judged) throw await this.#refuse(hub, judged, named)
    const { opened, files, verdict } = judged.value
    const now = heldSnapshot(opened)
    const kept: KeptSnapshot = { owner: hub, held: now, cid: named.cid, bytes: bytes.length }
    if (verdict === 'known') return { verdict, kept: held! } as const
    await this.#keep(kept, files, verdict, actor)
    return { verdict, kept } as const
  }

  #judge(
    hub: string,
    bytes: Uint8Array,
    held: HeldSnapshot | undefined
  ): Judged<{ readonly opened: OpenedSnapshot; readonly files: Files; readonly verdict: Taken }> & {
    readonly opened?: OpenedSnapshot
  } {
    const files = parsePackage(bytes)
    if ('why' in files) return files
    const found = openSnapshot(files.value, isSealedBy)
    if ('why' in found) return found
    const opened = found.value
    const nowS = this.#o.nowS()
    const refusal =
      authorityRefusal(opened, this.#o.bookOf(hub), nowS) ?? timeRefusal(opened.snapshot.statement, nowS)
    if (refusal !== undefined) return refusal
    const next = succeeding({ statement: opened.snapshot.statement, sha256: opened.sha256 }, held)
    return next.verdict === 'refused'
      ? { ...next.refusal, opened }
      : { value: { opened, files: files.value, verdict: next.verdict } }
  }

  async #refuse(
    hub: string,
    { why, about, opened }: { why: SnapshotRefusal; about: string; opened?: OpenedSnapshot },
    named: { readonly seq: number }
  ): Promise<OapError> {
    // Only what the hub has signed is said of it.
    const facts = opened && { seq: opened.snapshot.statement.seq, sha256: opened.sha256 }
    await this.#o.record(auditEvent('snapshot_refused', `hub:${hub}`, { hub, code: why, ...facts }))
    this.#o.refused(hub, why, about)
    if (opened !== undefined && why === 'split') await this.#split(hub, opened)
    return new OapError('conflict', `snapshot ${named.seq} of hub ${hub}: ${why}: ${about}`, {
      code: 'snapshot_refused',
      reason: why
    })
  }

  /** Where the one that is held is still whole, both together prove it. */
  async #split(hub: string, { snapshot, records }: OpenedSnapshot): Promise<void> {
    const held = await this.#o.folders.read(hub, snapshot.statement.seq)
    const bytes = 'value' in held ? held.value.get(SNAPSHOT_FILE) : undefined
    if (bytes === undefined) return
    const lines = [Buffer.from(bytes).toString().trimEnd(), formatSigned(snapshot)] as const
    await this.#o.split(hub, lines, records)
  }

  async #keep(kept: KeptSnapshot, files: Files, verdict: Exclude<Taken, 'known'>, actor: string) {
    const { folders, rows, keep, record } = this.#o
    const { owner: hub, held } = kept
    await record(auditEvent('peer_snapshot', actor, { hub, seq: held.seq, sha256: held.sha256, verdict }))
    await folders.remove(hub, held.seq)
    await folders.write(hub, held.seq, files)
    await rows.put(kept)
    for (const old of rows.of(hub).slice(0, -keep)) {
      await rows.remove(old)
      await folders.remove(hub, old.held.seq)
    }
  }
}
