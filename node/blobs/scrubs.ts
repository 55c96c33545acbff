import type { Handlers, blobsAdminOperations } from '../../protocols/index.ts'
import type { BlobStore, ScrubFinding, ScrubOptions, ScrubReport } from '../stores/blobs/index.ts'

export type BlobsAdmin = Handlers<typeof blobsAdminOperations>

/** What is stored is hashed once in so long, however much it is. */
const ROUND_S = 7 * 24 * 3600
const LEAST_BYTES_PER_SECOND = 1024
/** Between two rounds, at the least. */
const REST_MS = 24 * 3_600_000
/** What an operator waits for goes faster. */
const ASKED_BYTES_PER_SECOND = 64 * 1024 * 1024
const MOST_SHOWN = 64
const MOST_DETAIL = 256

export interface ScrubsOptions {
  /** The store that is open now. @throws OapError `not_ready` */
  readonly store: () => BlobStore
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>
  /** Yields the bytes of a rotten block from wherever. */
  readonly fetch?: ScrubOptions['fetch']
  readonly found: (finding: ScrubFinding) => void
  /** A round, or what an operator asked for, has come to its end. */
  readonly ended: (report: ScrubReport) => void
  readonly failed: (error: unknown) => void
}

type Shown = Omit<ScrubReport, 'findings'>

const NOTHING: Shown = { done: 0, blocks: 0, bytes: 0, rotten: 0, repaired: 0 }

/** Hashes what is stored, round by round so slowly that nobody notices, and once more whenever an operator asks for it. */
export class Scrubs {
  readonly #options: ScrubsOptions
  #asked: Promise<void> | undefined
  #shown = NOTHING
  #findings: readonly ScrubFinding[] = []
  #blocks = 0
  #round = 0

  constructor(options: ScrubsOptions) {
    this.#options = options
  }

  /** Blocks that were hashed since the start. */
  get blocks(): number {
    return this.#blocks
  }

  /** How far the round is, 0 to 1. */
  get round(): number {
    return this.#round
  }

  readonly admin: BlobsAdmin = {
    blob_scrub: ({ begin = false }) => {
      if (begin) this.#asked ??= this.#ask(this.#options.store())
      const { done, blocks, bytes, rotten, repaired } = this.#shown
      return {
        running: this.#asked !== undefined,
        done_ppm: Math.floor(done * 1_000_000),
        blocks,
        bytes,
        rotten,
        repaired,
        found: this.#findings.slice(0, MOST_SHOWN).map(({ id, detail, isRepaired }) => ({
          sha256: Buffer.from(id.digest).toString('hex'),
          detail: detail.slice(0, MOST_DETAIL),
          repaired: isRepaired
        }))
      }
    }
  }

  /** Goes round after round on a store until `signal` aborts or the store closes. */
  async keep(store: BlobStore, signal: AbortSignal): Promise<void> {
    while (!signal.aborted && store.failure === undefined) {
      let last = 0
      try {
        const report = await store.scrub({
          ...this.#common(signal),
          bytesPerSecond: Math.max(LEAST_BYTES_PER_SECOND, store.bytes / ROUND_S),
          onProgress: ({ done, blocks }) => {
            this.#round = done
            this.#blocks += blocks - last
            last = blocks
          }
        })
        this.#options.ended(report)
      } catch (error) {
        if (signal.aborted || store.failure !== undefined) return
        this.#options.failed(error)
      }
      await this.#options.sleep(REST_MS, signal)
    }
  }

  async #ask(store: BlobStore): Promise<void> {
    const findings: ScrubFinding[] = []
    this.#shown = NOTHING
    this.#findings = findings
    let last = 0
    let repaired = 0
    try {
      const report = await store.scrub({
        ...this.#common(),
        fromStart: true,
        bytesPerSecond: ASKED_BYTES_PER_SECOND,
        onFinding: finding => {
          if (finding.isRepaired) repaired++
          if (findings.length < MOST_SHOWN) findings.push(finding)
          this.#options.found(finding)
        },
        onProgress: progress => {
          this.#shown = { ...progress, repaired }
          this.#blocks += progress.blocks - last
          last = progress.blocks
        }
      })
      this.#shown = report
      this.#options.ended(report)
    } catch (error) {
      this.#options.failed(error)
    } finally {
      this.#asked = undefined
    }
  }

  #common(signal?: AbortSignal): ScrubOptions {
    return { fetch: this.#options.fetch, onFinding: this.#options.found, signal }
  }
}
