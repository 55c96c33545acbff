import type { Level } from '../level.ts'
import { unsealJson } from '../mailbox/seal.ts'
import { rowBytes } from './fill.ts'
import type { Fill } from './fill.ts'
import { GroupWrites } from './group-writes.ts'
import { beyond, between, sortable } from './keys.ts'
import { Untold } from './untold.ts'

const PREFIX = '!ams-artifact!'
const NUL = '\0'
const LAST = `${PREFIX}n`
const BYTES = `${PREFIX}b`
const UPDATES = `${PREFIX}u`
const UNTOLD = `${PREFIX}p`
const artifactKey = (key: string): string => `${PREFIX}a${key}`
const updateKey = (update: number): string => UPDATES + sortable(update)
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
  /** Resolves once the audit log has it durably. */
  readonly tell: (artifact: Artifact) => Promise<void>
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
  readonly #untold: Untold<Artifact>

  private constructor(level: Level, writes: GroupWrites, { tell, onCorrupt }: ArtifactStoreOptions) {
    this.#level = level
    this.#writes = writes
    this.#untold = new Untold(level, { start: UNTOLD, tell, onCorrupt })
  }

  /** Opens what is there, and tells the audit log what it was not told before a crash. */
  static async open(level: Level, options: ArtifactStoreOptions): Promise<ArtifactStore> {
    const writes = await GroupWrites.open(level, { ...options, countKey: BYTES })
    const store = new ArtifactStore(level, writes, options)
    await store.#untold.tellAll()
    return store
  }

  /** Whether there is no room for what is to be written. */
  get isFull(): boolean {
    return this.#writes.isFull
  }

  /** Puts an artifact in the place of the one of its key, if there is one. @throws OapError `storage_full` */
  async put(
    artifact: NewArtifact
  ): Promise<{ readonly artifact: Artifact; readonly before: Artifact | undefined }> {
    const { key, sha256 } = artifact
    const written = await this.#writes.run(async rows => {
      const before = await rows.get<Artifact>(artifactKey(key))
      const update = ((await rows.get<number>(LAST)) ?? 0) + 1
      const kept: Artifact = { ...artifact, created_at: before?.created_at ?? artifact.updated_at, update }
      if (before !== undefined) {
        rows.remove(updateKey(before.update))
        rows.remove(holders(before.sha256) + key)
      }
      rows.put(LAST, update)
      rows.put(artifactKey(key), kept)
      rows.put(updateKey(update), key)
      rows.put(holders(sha256) + key, true)
      rows.put(this.#untold.key(key, update), kept)
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

/** What the rows of an artifact take besides. */
const ROWS_BYTES = 256

const bytesOf = (artifact: Artifact): number =>
  artifact.bytes + rowBytes(artifact) + 3 * artifact.key.length + ROWS_BYTES
