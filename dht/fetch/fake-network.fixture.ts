import { OapError, cidText, dagWalk, framedBlocks } from '../../protocols/index.ts'
import type { Cid, Profile } from '../../protocols/index.ts'
import type { Clock } from '../clock.ts'
import { FileDag } from '../import/file-dag.ts'
import type { Block, Root } from '../import/file-dag.ts'
import type { Answer, BlobProvider, BlockShelf, Question } from './blob-provider.ts'
import type { ProviderSearch } from './blob-fetch.ts'
import type { Via } from './fetch-report.ts'

/** A blob with all of its blocks. */
export interface WholeBlob {
  readonly bytes: Uint8Array
  readonly root: Root
  readonly blocks: ReadonlyMap<string, Block>
  /** Sent as they are, whatever is asked for. */
  readonly instead?: readonly Block[]
}

export const SMALL: Profile = { leafBytes: 100, links: 4 }

export function blobOf(length: number, profile: Profile = SMALL): WholeBlob {
  const bytes = Uint8Array.from({ length }, (_, n) => (n * 31 + (n >> 8) * 17) & 0xff)
  const dag = new FileDag(profile)
  const first = dag.push(bytes)
  const { blocks: last, root } = dag.end()
  return { bytes, root, blocks: new Map([...first, ...last].map(block => [cidText(block.cid), block])) }
}

/** What a provider does with an answer; `n` counts the chunks of it. */
export interface Manners {
  readonly via?: Via
  readonly totalLength?: number
  /** Thrown instead of an answer. */
  readonly refuses?: Error
  /** Thrown before this chunk. */
  readonly dropsAt?: number
  /** Nothing comes from this chunk on. */
  readonly stallsAt?: number
  /** The answer ends before this chunk, as if it were whole. */
  readonly cutAt?: number
  /** One byte of this chunk is another. */
  readonly liesAt?: number
  /** Chunks without end follow. */
  readonly isEndless?: boolean
  /** Between two chunks. */
  readonly paceMs?: number
  readonly clock?: Clock
  readonly chunkBytes?: number
}

/** Serves one blob, as `dag` answers are, and remembers what it was asked. */
export class FakeProvider implements BlobProvider {
  readonly provider: string
  readonly via: Via
  readonly asked: Question[] = []
  sentChunks = 0
  openAnswers = 0
  readonly #blob: WholeBlob
  readonly #manners: Manners

  constructor(provider: string, blob: WholeBlob, manners: Manners = {}) {
    this.provider = provider
    this.via = manners.via ?? 'link'
    this.#blob = blob
    this.#manners = manners
  }

  async get(question: Question, { signal }: { readonly signal: AbortSignal }): Promise<Answer> {
    this.asked.push(question)
    const { refuses, totalLength = this.#blob.bytes.length } = this.#manners
    if (refuses !== undefined) throw refuses
    return { totalLength, body: this.#body(question, signal) }
  }

  async *#body({ cid, offset, length }: Question, signal: AbortSignal): AsyncGenerator<Uint8Array> {
    const { dropsAt, stallsAt, cutAt, liesAt, isEndless, paceMs, clock, chunkBytes = 64 } = this.#manners
    const { blocks, instead } = this.#blob
    const walk =
      instead === undefined
        ? dagWalk({ cid, offset, length, blocks: id => blocks.get(cidText(id))?.bytes })
        : inOrder(instead)
    let n = 0
    this.openAnswers++
    try {
      for await (const view of framedBlocks(walk, chunkBytes)) {
        const chunk = view.slice()
        if (n === dropsAt) throw lost()
        if (n === cutAt) return
        if (n === stallsAt) await aborted(signal)
        if (paceMs !== undefined) await Promise.race([pause(clock!, paceMs), aborted(signal)])
        if (n++ === liesAt) chunk[chunk.length - 1]! ^= 1
        this.sentChunks++
        yield chunk
      }
      while (isEndless) yield new Uint8Array(chunkBytes)
    } finally {
      this.openAnswers--
    }
  }
}

async function* inOrder(blocks: readonly Block[]): AsyncGenerator<Block> {
  yield* blocks
}

const pause = (clock: Clock, ms: number): Promise<void> =>
  new Promise(resolve => clock.after(ms, () => resolve()))

const aborted = (signal: AbortSignal): Promise<never> =>
  new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason)
    signal.addEventListener('abort', () => reject(signal.reason), { once: true })
  })

export const notFound = (): OapError => new OapError('not_found')

/** Blocks in memory. */
export class MemoryShelf implements BlockShelf {
  readonly blocks = new Map<string, Uint8Array>()
  writes = 0

  has(cid: Cid): boolean {
    return this.blocks.has(cidText(cid))
  }

  async get(cid: Cid): Promise<Uint8Array | undefined> {
    return this.blocks.get(cidText(cid))
  }

  async write(cid: Cid, bytes: Uint8Array): Promise<void> {
    this.writes++
    this.blocks.set(cidText(cid), bytes.slice())
  }
}

/** Finds these one after the other, and counts how many were asked for. */
export class FakeSearch implements ProviderSearch {
  readonly notes: readonly string[] = []
  pulled = 0
  isStopped = false
  readonly #providers: readonly BlobProvider[]

  constructor(providers: readonly BlobProvider[]) {
    this.#providers = providers
  }

  stop(): void {
    this.isStopped = true
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<BlobProvider> {
    for (const provider of this.#providers) {
      this.pulled++
      yield provider
    }
  }
}

/** As the client of a session says it. */
const lost = (): OapError => new OapError('upstream', 'the session ended', { reason: 'session_lost' })
