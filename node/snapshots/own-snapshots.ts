import {
  type SealedSnapshot,
  type SnapshotHeads,
  FIRST_PREV,
  KEYS_FILE,
  formatPackage,
  heldOf,
  nextSeq,
  openSnapshot,
  sealSnapshot
} from '../../federation/index.ts'
import type { Files } from '../../federation/index.ts'
import { OapError } from '../../protocols/index.ts'
import { type AuditEvent, auditEvent } from '../audit/index.ts'
import { InTurn } from '../capabilities/in-turn.ts'
import type { RoleSigner } from '../identity/index.ts'
import { formatPublicKey, signFile } from '../minisign.ts'
import type { SnapshotFolders } from './folders.ts'
import { OWN, type KeptSnapshot, type SnapshotRows } from './rows.ts'
import { heldSnapshot, isSealedBy } from './seal-authority.ts'

export const PUBLIC_KEY_FILE = 'minisign.pub'
export const CHECKPOINT_FILE = 'checkpoint.txt'

/** What a snapshot says at the moment at which it is made. */
export interface State {
  readonly heads: SnapshotHeads
  /** The checkpoint that `heads` tells of, as a signed note. */
  readonly checkpoint: string | undefined
  readonly policyVersion: number
  /** What the hub key has signed about keys, a line each. */
  readonly keys: readonly string[]
}

/** Where packages are offered to linked hubs, by content id. */
export interface Packages {
  /** Resolves once it is stored for good, and again for one that is. */
  offer(bytes: Uint8Array): Promise<string>
  /** The content id, which storing would give. */
  cidOf(bytes: Uint8Array): Promise<string>
  withdraw(cid: string): Promise<void>
}

export interface OwnSnapshotsOptions {
  readonly hub: string
  readonly node: string
  readonly folders: SnapshotFolders
  readonly rows: SnapshotRows
  readonly packages: Packages
  /** Undefined while no key may sign. */
  readonly signer: () => Promise<RoleSigner | undefined>
  readonly state: () => Promise<State>
  /** Resolves once it would survive a power cut. */
  readonly record: (event: AuditEvent) => Promise<unknown>
  /** Unix seconds. */
  readonly nowS: () => number
  /** How long one is good, in seconds. */
  readonly validS: number
  /** How many are kept. */
  readonly keep: number
}

/**
 * The snapshots that this hub makes. One is recorded in the audit log before it lies anywhere, lies in its folder whole
 * before it is known, and is known before linked hubs are told of it; a crash at any point leaves the one before, or it.
 */
export class OwnSnapshots {
  readonly #o: OwnSnapshotsOptions
  readonly #turns = new InTurn()
  /** Numbers whose folders are here: after a restore those of before are not. */
  #here: ReadonlySet<number> = new Set()

  constructor(options: OwnSnapshotsOptions) {
    this.#o = options
  }

  /** Those whose folders are here, the newest last. */
  get all(): readonly KeptSnapshot[] {
    return this.#o.rows.of(OWN).filter(({ held }) => this.#here.has(held.seq))
  }

  /** The newest that was ever known: the next one goes on from it. */
  get newest(): KeptSnapshot | undefined {
    return this.#o.rows.newest(OWN)
  }

  /** Takes a snapshot that lies whole in its folder and was cut off before it was known. Once, before all else. */
  recover(): Promise<void> {
    return this.#turns.run(async () => {
      const { folders, rows } = this.#o
      const known = new Set(rows.of(OWN).map(({ held }) => held.seq))
      const last = this.newest?.held.seq ?? 0
      for (const seq of await folders.numbers(OWN)) {
        if (known.has(seq)) continue
        const files = seq > last ? await folders.read(OWN, seq) : undefined
        const opened = files && 'value' in files ? openSnapshot(files.value, isSealedBy) : undefined
        const isOurs =
          opened !== undefined &&
          'value' in opened &&
          opened.value.snapshot.statement.hub === this.#o.hub &&
          opened.value.snapshot.statement.seq === seq
        if (!isOurs) await folders.remove(OWN, seq)
        else await rows.put(await this.#kept(heldSnapshot(opened.value), (files as { value: Files }).value))
      }
      this.#here = new Set(await folders.numbers(OWN))
    })
  }

  /**
   * Makes one now. Resolves once it would survive a power cut.
   * Throws `conflict` with the code `no_snapshot_key` while no key may sign.
   */
  make(actor: string): Promise<KeptSnapshot> {
    return this.#turns.run(async () => {
      const { folders, rows, record } = this.#o
      const sealed = await this.#sealed()
      const held = heldOf({ statement: sealed.snapshot.statement, sha256: sealed.sha256 })
      await record(auditEvent('snapshot', actor, { seq: held.seq, sha256: held.sha256 }))
      await folders.write(OWN, held.seq, sealed.files)
      const kept = await this.#kept(held, sealed.files)
      await rows.put(kept)
      this.#here = new Set([...this.#here, held.seq])
      return kept
    })
  }

  /**
   * Offers linked hubs what they could not fetch, and takes away what is too old; for each start, and after one was made.
   * What fails is tried again the next time.
   */
  tidy(): Promise<void> {
    return this.#turns.run(async () => {
      const { folders, keep, packages, rows } = this.#o
      for (const old of rows.of(OWN).slice(0, -keep)) await this.#remove(old)
      const present = new Set(await folders.numbers(OWN))
      for (const { held } of rows.of(OWN)) {
        const files = present.has(held.seq) ? await folders.read(OWN, held.seq) : undefined
        if (files !== undefined && 'value' in files) await packages.offer(formatPackage(files.value))
      }
    })
  }

  async #sealed(): Promise<SealedSnapshot> {
    const { hub, node, nowS, validS, signer, state } = this.#o
    const by = await signer()
    if (by === undefined)
      throw new OapError(
        'conflict',
        'the hub key has not signed for a key of the role snapshot: stop the node, and run key delegate --role snapshot',
        { code: 'no_snapshot_key' }
      )
    const { secretKey, delegation } = by
    const { heads, checkpoint, policyVersion, keys } = await state()
    const created = nowS()
    const last = this.newest?.held
    const seq = nextSeq(last?.seq ?? 0, created, heads.audit?.origin ?? hub)
    const beside = new Map([
      [KEYS_FILE, keys.map(line => `${line}\n`).join('')],
      [PUBLIC_KEY_FILE, formatPublicKey(secretKey)],
      ...(checkpoint === undefined ? [] : [[CHECKPOINT_FILE, checkpoint] as const])
    ])
    return sealSnapshot(
      {
        created,
        epoch: delegation.statement.epoch,
        expires: created + validS,
        heads,
        hub,
        key: Buffer.from(secretKey.publicKey).toString('hex'),
        node,
        policy_version: policyVersion,
        prev: last === undefined ? FIRST_PREV : { seq: last.seq, sha256: last.sha256 },
        seq
      },
      beside,
      {
        key: secretKey.key,
        seal: content =>
          signFile(secretKey, content, { trustedComment: `omnigate snapshot ${seq} of ${hub}` })
      }
    )
  }

  async #kept(held: KeptSnapshot['held'], files: Files): Promise<KeptSnapshot> {
    const bytes = formatPackage(files)
    return { owner: OWN, held, cid: await this.#o.packages.cidOf(bytes), bytes: bytes.length }
  }

  async #remove(old: KeptSnapshot): Promise<void> {
    // Its row goes last but one: a folder without a row, and below the newest number, is taken away at the next start.
    await this.#o.packages.withdraw(old.cid)
    await this.#o.rows.remove(old)
    await this.#o.folders.remove(OWN, old.held.seq)
    this.#here = new Set([...this.#here].filter(seq => seq !== old.held.seq))
  }
}
