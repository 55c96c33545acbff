import type { Level } from '../level.ts'
import { unsealJson } from '../mailbox/seal.ts'
import { rowBytes } from './fill.ts'
import type { Fill } from './fill.ts'
import { GroupWrites } from './group-writes.ts'
import type { Rows } from './group-writes.ts'
import { between, beyond, placeIn, sortable } from './keys.ts'
import { REMOVED_AT_ONCE, oldBeyond, placeBelowNewest } from './retained.ts'
import type { Cut, RemovedBatch, WithBatch } from './retained.ts'
import type { Gone, Removing } from './types.ts'
import { Untold } from './untold.ts'

const PREFIX = '!ams-artifact!'
const NUL = '\0'
const LAST = `${PREFIX}n`
const BYTES = `${PREFIX}b`
const UPDATES = `${PREFIX}u`
const UNTOLD = `${PREFIX}p`
const UNRELEASED = `${PREFIX}x`
const GONE = `${PREFIX}g`
const artifactKey = (key: string): string => `${PREFIX}a${key}`
const updateKey = (update: number): string => UPDATES + sortable(update)
const unreleasedKey = ({ sha256, update }: Artifact): string => `${UNRELEASED}${sha256}/${sortable(update)}`
const holders = (sha256: string): string => `${PREFIX}d${sha256}${NUL}`

/** What is known of an artifact; its bytes are kept elsewhere, under its content id. */
export interface Artifact {
  readonly key: string
  readonly sha256: string
  readonly bytes: number
  readonly content_type: string
  readonly note: string
  readonly content_id: string
  readonly created_at: string
  readonly updated_at: string
  /** Who has put it there. */
  readonly by: string
  /** Counts the changes of all artifacts, from 1. */
  readonly update: number
}

export type NewArtifact = Omit<Artifact, 'created_at' | 'update'>

export interface ArtifactStoreOptions {
  /** Resolves once the audit log has it durably, with the W3C traceparent of the request that put it there. */
  readonly tell: (artifact: Artifact, trace: string | undefined) => Promise<void>
  /** The same, of one that was removed. */
  readonly tellGone?: ((gone: Gone) => Promise<void>) | undefined
  readonly onCorrupt: (key: string) => void
  /** What may be taken, the bytes of each artifact among it; no bound if missing. */
  readonly fill?: Fill | undefined
}

/**
 * What is known of artifacts, by key. A change is durable, and in the audit log, before it is answered; where a crash comes
 * between the two the next opening tells the log. Whoever can write to the store can change all of it; that bytes are not
 * those of a digest is noticed by who hashes them.
 */
export class ArtifactStore {
  readonly #level: Level
  readonly #writes: GroupWrites
  readonly #untold: Untold<Artifact & { readonly trace?: string | undefined }>
  readonly #gone: Untold<Gone>

  private constructor(
    level: Level,
    writes: GroupWrites,
    { tell, tellGone, onCorrupt }: ArtifactStoreOptions
  ) {
    this.#level = level
    this.#writes = writes
    this.#untold = new Untold(level, {
      start: UNTOLD,
      tell: async ({ trace, ...artifact }) => await tell(artifact, trace),
      onCorrupt
    })
    this.#gone = new Untold(level, { start: GONE, tell: async gone => await tellGone?.(gone), onCorrupt })
  }

  /** Opens what is there, and tells the audit log what it was not told before a crash. */
  static async open(level: Level, options: ArtifactStoreOptions): Promise<ArtifactStore> {
    const writes = await GroupWrites.open(level, { ...options, countKey: BYTES })
    const store = new ArtifactStore(level, writes, options)
    await store.#untold.tellAll()
    await store.#gone.tellAll()
    return store
  }

  /** Whether there is no room for what is to be written. */
  get isFull(): boolean {
    return this.#writes.isFull
  }

  /** Puts an artifact in the place of the one of its key, if there is one. @throws OapError `storage_full` */
  async put({ trace, ...artifact }: NewArtifact & { readonly trace?: string | undefined }): Promise<{
    readonly artifact: Artifact
    readonly before: Artifact | undefined
  }> {
    const { key, sha256 } = artifact
    const written = await this.#writes.run(async rows => {
      const before = await rows.get<Artifact>(artifactKey(key))
      const update = ((await rows.get<number>(LAST)) ?? 0) + 1
      const kept: Artifact = { ...artifact, created_at: before?.created_at ?? artifact.updated_at, update }
      if (before !== undefined) {
        rows.remove(updateKey(before.update))
        rows.remove(holders(before.sha256) + key)
        if (before.sha256 !== sha256) rows.put(unreleasedKey(before), before)
      }
      rows.put(LAST, update)
      rows.put(artifactKey(key), kept)
      rows.put(updateKey(update), key)
      rows.put(holders(sha256) + key, true)
      rows.put(this.#untold.key(key, update), { ...kept, trace })
      rows.grow(bytesOf(kept) - (before === undefined ? 0 : bytesOf(before)))
      return { artifact: kept, before }
    })
    await this.told(key)
    return written
  }

  /** Resolves once the audit log has all that was put under a key. */
  async told(key: string): Promise<void> {
    await this.#untold.tell(key)
  }

  async get(key: string): Promise<Artifact | undefined> {
    return await this.#writes.read<Artifact>(artifactKey(key))
  }

  /** Whether an artifact has bytes of this digest. */
  async has(sha256: string): Promise<boolean> {
    const [key] = await this.#level.keys<string>({ ...between(holders(sha256)), limit: 1 }).all()
    return key !== undefined
  }

  /**
   * The artifact that is removed, durably and told to the audit log, also after a crash between the two; undefined where none
   * has the key.
   */
  async remove(key: string, removing: Removing): Promise<Artifact | undefined> {
    await this.told(key)
    const removed = await this.#writes.run(async rows => {
      const artifact = await rows.get<Artifact>(artifactKey(key))
      if (artifact === undefined) return undefined
      removeRows(rows, artifact)
      rows.put(this.#gone.key(key, artifact.update), { id: key, ...removing })
      return artifact
    })
    await this.#gone.tell(key)
    return removed
  }

  /** @see Shelved.newestFrom */
  async newestFrom(count: number): Promise<number> {
    return await placeBelowNewest(this.#level, between(UPDATES), count)
  }

  /** Their bytes are to be released then. @see Shelved.removeOld */
  async removeOld(cut: Cut, after: number, withBatch: WithBatch): Promise<RemovedBatch> {
    const range = beyond(UPDATES, { after, isAscending: true })
    const keys = await this.#level.keys<string>({ ...range, limit: REMOVED_AT_ONCE }).all()
    const { old, next } = await oldBeyond(keys.map(placeIn), cut, async update => {
      const key = await this.#writes.read<string>(updateKey(update))
      const item = key === undefined ? undefined : await this.get(key)
      return item?.update === update ? { item, at: item.updated_at } : undefined
    })
    for (const { item } of old) await this.told(item.key)
    const removed = await this.#writes.run(async rows => {
      let [items, bytes] = [0, 0]
      for (const { item } of old) {
        const artifact = await rows.get<Artifact>(artifactKey(item.key))
        if (artifact?.update !== item.update) continue
        items++
        bytes += removeRows(rows, artifact)
      }
      if (items > 0) withBatch(rows, { items, bytes })
      return { items, bytes }
    })
    return { ...removed, next }
  }

  /** Artifacts that are gone, or have other bytes now, whose bytes may still be held for them; some of them, the same until they are released. */
  async unreleased(limit: number): Promise<readonly Artifact[]> {
    const rows = await this.#level.iterator<string, Uint8Array>({ ...between(UNRELEASED), limit }).all()
    return rows.flatMap(([key, bytes]) => unsealJson<Artifact>(key, bytes) ?? [])
  }

  /** No more bytes are held for an artifact as it was. */
  async released(artifact: Artifact): Promise<void> {
    await this.#level.del(unreleasedKey(artifact))
  }

  /** Artifacts, the one that changed last first, from before a change. */
  async list({
    before,
    limit
  }: {
    readonly before?: number | undefined
    readonly limit: number
  }): Promise<readonly Artifact[]> {
    const range = beyond(UPDATES, { after: before, isAscending: false })
    const found = await this.#level.iterator<string, Uint8Array>({ ...range, reverse: true, limit }).all()
    const artifacts = await Promise.all(
      found.map(async ([key, bytes]) => await this.get(unsealJson<string>(key, bytes) ?? ''))
    )
    return artifacts.filter(artifact => artifact !== undefined)
  }

  async idle(): Promise<void> {
    await this.#writes.idle()
  }
}

function removeRows(rows: Rows, artifact: Artifact): number {
  const { key, sha256, update } = artifact
  const bytes = bytesOf(artifact)
  rows.remove(artifactKey(key))
  rows.remove(updateKey(update))
  rows.remove(holders(sha256) + key)
  rows.put(unreleasedKey(artifact), artifact)
  rows.grow(-bytes)
  return bytes
}

/** What the rows of an artifact take besides. */
const ROWS_BYTES = 256

const bytesOf = (artifact: Artifact): number =>
  artifact.bytes + rowBytes(artifact) + 3 * artifact.key.length + ROWS_BYTES
