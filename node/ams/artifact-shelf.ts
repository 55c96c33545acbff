import { createHash } from 'node:crypto'
import type { Artifact, ArtifactStore, NewArtifact } from '../stores/ams/index.ts'
import { Turns } from '../turns.ts'

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

export type PutArtifact = Pick<NewArtifact, 'key' | 'content_type' | 'note' | 'by' | 'updated_at'>

/**
 * Artifacts with their bytes. Bytes are durable before what is known of them is, and let go of when no artifact has them any
 * more. A crash between the two leaves bytes that nothing names.
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
        await this.#letGo(sha256, contentId)
        throw error
      }
    })
    if (before !== undefined && before.sha256 !== sha256)
      await this.#turns.run(before.sha256, () => this.#letGo(before.sha256, before.content_id))
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

  async #letGo(sha256: string, contentId: string): Promise<void> {
    try {
      if (!(await this.#store.has(sha256))) await this.#blobs.release(contentId)
    } catch (error) {
      this.#onError(error)
    }
  }
}

const isSame = (
  known: Artifact,
  { sha256, content_type, note }: PutArtifact & { readonly sha256: string }
): boolean => known.sha256 === sha256 && known.content_type === content_type && known.note === note
