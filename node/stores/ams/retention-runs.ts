import type { Level } from '../level.ts'
import { sealedJson, unsealJson } from '../mailbox/seal.ts'
import type { Rows } from './group-writes.ts'

const RUN = '!ams-retention!run'
const LAST = '!ams-retention!last'
const DURABLE: object = { sync: true }

export const RETAINED = ['envelopes', 'messages', 'records', 'artifacts'] as const
export type Retained = (typeof RETAINED)[number]

/** A run of retention, with what it has removed. */
export interface RetentionRun {
  /** When it began; no two of a hub have one. */
  readonly at: string
  readonly by: string
  /** The W3C traceparent of the request that asked for it. */
  readonly trace?: string | undefined
  /** What is older goes. */
  readonly days?: number | undefined
  /** All but the newest so many of each go. */
  readonly count?: number | undefined
  /** The places up to which they go for that. */
  readonly upto: Readonly<Record<Retained, number>>
  readonly removed: Readonly<Record<Retained, number>>
  readonly bytes: number
  /** Once it is at its end. */
  readonly ended_at?: string | undefined
}

/** The run that is under way, kept with each step of it, so that one that was broken off goes on; and the last that ended. */
export class RetentionRuns {
  readonly #level: Level
  readonly #onCorrupt: (key: string) => void

  constructor(level: Level, { onCorrupt }: { readonly onCorrupt: (key: string) => void }) {
    this.#level = level
    this.#onCorrupt = onCorrupt
  }

  /** The run that is under way, or was when the node ended. */
  async underWay(): Promise<RetentionRun | undefined> {
    return await this.#read(RUN)
  }

  async last(): Promise<RetentionRun | undefined> {
    return await this.#read(LAST)
  }

  /** Resolves once it would survive a power cut. */
  async begin(run: RetentionRun): Promise<void> {
    await this.#level.put<string, Uint8Array>(RUN, sealedJson(RUN, run), DURABLE)
  }

  /** To be kept in the same step as what it has removed. */
  keep(rows: Pick<Rows, 'put'>, run: RetentionRun): void {
    rows.put(RUN, run)
  }

  async end(run: RetentionRun): Promise<void> {
    const rows = [
      { type: 'put', key: LAST, value: sealedJson(LAST, run) },
      { type: 'del', key: RUN }
    ] as const
    await this.#level.batch([...rows], DURABLE)
  }

  async #read(key: string): Promise<RetentionRun | undefined> {
    const bytes = await this.#level.get(key)
    const run = unsealJson<RetentionRun>(key, bytes)
    if (bytes !== undefined && run === undefined) this.#onCorrupt(key)
    return run
  }
}
