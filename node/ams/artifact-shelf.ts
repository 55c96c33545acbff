import { createHash } from 'node:crypto'
import type { Artifact, ArtifactStore, NewArtifact, RemovedBatch, Removing } from '../stores/ams/index.ts'
import { Turns } from '../turns.ts'

/** Artifacts whose bytes are let go of before it is looked for more. */
const RELEASED_AT_ONCE = 64

/** Bytes that go out as they come; disposing lets go of them. */
export interface Pieces extends Disposable {
  readonly length: number
  readonly pieces: AsyncIterable<Uint8Array>
}

/** What keeps the bytes of artifacts. */
export interface ArtifactBlobs {
  /** Resolves with their content id once they would survive a power cut; the same for the same bytes. */
  put(bytes: Uint8Array): Promise<string>
  /** Undefined where they are not there. */
  open(contentId: string): Promise<Pieces | undefined>
  /** No artifact has them any more. */
  release(contentId: string): Promise<void>
}

export type PutArtifact = Pick<NewArtifact, 'key' | 'content_type' | 'note' | 'by' | 'updated_at'> & {
  /** The W3C traceparent of the request, for the audit log. */
  readonly trace?: string | undefined
}

/**
 * Artifacts with their bytes. Bytes are durable before what is known of them is: a crash between the two leaves bytes that
 * nothing names. They are let go of when no artifact has them any more, also after a crash, by `settle`.
 */
export class ArtifactShelf {
  readonly #store: ArtifactStore
  readonly #blobs: ArtifactBlobs
  readonly #onError: (error: unknown) => void
  /** By digest, so that bytes are not let go of while another artifact comes to have them. */
  readonly #turns = new Turns()

  constructor(
    store: ArtifactStore,
    blobs: ArtifactBlobs,
    { onError }: { readonly onError: (error: unknown) => void }
  ) {
    this.#store = store
    this.#blobs = blobs
    this.#onError = onError
  }

  /** Whether there is no room for what is to be written. */
  get isFull(): boolean {
    return this.#store.isFull
  }

  /** Keeps bytes under a key, in the place of those that were there; what is the same already is left as it is. */
  async put(
    asked: PutArtifact,
    bytes: Uint8Array
  ): Promise<{ readonly isNew: boolean; readonly artifact: Artifact }> {
    const sha256 = createHash('sha256').update(bytes).digest('hex')
    const { artifact, before } = await this.#turns.run(sha256, async () => {
      const known = await this.#store.get(asked.key)
      if (known !== undefined && isSame(known, { ...asked, sha256 })) {
        await this.#store.told(asked.key)
        return { artifact: known, before: known }
      }
      const contentId = await this.#blobs.put(bytes)
      try {
        return await this.#store.put({ ...asked, sha256, bytes: bytes.length, content_id: contentId })
      } catch (error) {
        await this.#letGo({ sha256, content_id: contentId })
        throw error
      }
    })
    if (before !== undefined && before.sha256 !== sha256) await this.#release(before)
    return { isNew: before === undefined, artifact }
  }

  async get(key: string): Promise<Artifact | undefined> {
    return await this.#store.get(key)
  }

  /** Artifacts, the one that changed last first, from before a change. */
  async list(page: Parameters<ArtifactStore['list']>[0]): Promise<readonly Artifact[]> {
    return await this.#store.list(page)
  }

  /** An artifact with its bytes; undefined where there is none. @throws Error where its bytes are gone */
  async read(key: string): Promise<{ readonly artifact: Artifact; readonly bytes: Pieces } | undefined> {
    let looked: Artifact | undefined
    for (;;) {
      const artifact = await this.#store.get(key)
      if (artifact === undefined) return undefined
      const bytes = await this.#blobs.open(artifact.content_id)
      if (bytes !== undefined) return { artifact, bytes }
      // Others may have come in their place between the two looks.
      if (looked?.update === artifact.update) throw new Error(`artifact ${key}: its bytes are not there`)
      looked = artifact
    }
  }

  /** The artifact that is removed, with its bytes where no other has them; undefined where none has the key. */
  async remove(key: string, removing: Removing): Promise<Artifact | undefined> {
    const removed = await this.#store.remove(key, removing)
    if (removed !== undefined) await this.#release(removed)
    return removed
  }

  /** @see Shelved.newestFrom */
  async newestFrom(count: number): Promise<number> {
    return await this.#store.newestFrom(count)
  }

  /** @see Shelved.removeOld */
  async removeOld(...asked: Parameters<ArtifactStore['removeOld']>): Promise<RemovedBatch> {
    const batch = await this.#store.removeOld(...asked)
    await this.settle()
    return batch
  }

  /** Lets go of the bytes of artifacts that are gone. What cannot be let go of now is at the next time. */
  async settle({ signal }: { readonly signal?: AbortSignal | undefined } = {}): Promise<void> {
    for (;;) {
      const some = await this.#store.unreleased(RELEASED_AT_ONCE)
      for (const artifact of some) {
        if (signal?.aborted === true || !(await this.#release(artifact))) return
      }
      if (some.length < RELEASED_AT_ONCE) return
    }
  }

  /** Whether nothing is left to be released of an artifact as it was. */
  async #release(artifact: Artifact): Promise<boolean> {
    const isDone = await this.#turns.run(artifact.sha256, () => this.#letGo(artifact))
    if (isDone) await this.#store.released(artifact)
    return isDone
  }

  async #letGo({ sha256, content_id: contentId }: Pick<Artifact, 'sha256' | 'content_id'>): Promise<boolean> {
    try {
      if (!(await this.#store.has(sha256))) await this.#blobs.release(contentId)
      return true
    } catch (error) {
      this.#onError(error)
      return false
    }
  }
}

const isSame = (
  known: Artifact,
  { sha256, content_type, note }: PutArtifact & { readonly sha256: string }
): boolean => known.sha256 === sha256 && known.content_type === content_type && known.note === note
