import { randomBytes } from 'node:crypto'
import {
  ANNOUNCEMENT,
  ANNOUNCEMENT_NONCE_BYTES,
  formatSigned,
  sealAnnounced,
  signStatement
} from '../../federation/index.ts'
import { BucketTable } from '../guards/bucket-table.ts'
import type { MessageSigner, Numbered } from './sending.ts'

/** Shares whose newest message waits to be announced. */
export const MOST_WAITING = 1024
/** Announcements of one share leave at most so often; each stands for all before it. */
const PAUSE_MS = 20
/** And of one that goes on, so that one announcement, and one call of each hub, is for many messages. */
const OF_SHARE = { burst: 8, perSecond: 4 }

export interface AnnouncingOptions {
  readonly signer: () => MessageSigner | undefined
  readonly nowMs: () => number
  /** Of a clock that is never set. */
  readonly ms: () => number
  /** Sends it to linked hubs; undefined where gossip is not open. */
  readonly publish: () => ((line: Uint8Array) => Promise<unknown>) | undefined
  readonly after: (ms: number, run: () => void) => void
  readonly dropped: () => void
}

/**
 * Announces what this hub has numbered. Nobody waits for it: what finds no room is dropped and counted, and comes to other
 * hubs with the next round.
 */
export class Announcing {
  readonly #o: AnnouncingOptions
  readonly #waiting = new Map<string, Numbered>()
  readonly #rates = new BucketTable(MOST_WAITING)
  #isRunning = false

  constructor(options: AnnouncingOptions) {
    this.#o = options
  }

  get waiting(): number {
    return this.#waiting.size
  }

  add(numbered: readonly Numbered[]): void {
    for (const one of numbered) {
      const { share } = one.statement
      if (!this.#waiting.has(share) && this.#waiting.size >= MOST_WAITING) this.#o.dropped()
      else this.#waiting.set(share, one)
    }
    if (this.#isRunning || this.#waiting.size === 0) return
    this.#isRunning = true
    void this.#run()
  }

  /** Never rejects. */
  async #run(): Promise<void> {
    const ms = this.#o.ms()
    const due = [...this.#waiting].filter(([share]) => this.#rates.get(share, OF_SHARE, ms).take(1, ms) === 0)
    for (const [share] of due) this.#waiting.delete(share)
    for (const [, one] of due) await this.#announce(one)
    this.#o.after(PAUSE_MS, () => {
      this.#isRunning = false
      this.add([])
    })
  }

  async #announce({ statement, id }: Numbered): Promise<void> {
    const publish = this.#o.publish()
    const signer = this.#o.signer()
    if (publish === undefined || signer === undefined) return
    const { share, series, number, bytes } = statement
    const { hub } = signer
    const nonce = randomBytes(ANNOUNCEMENT_NONCE_BYTES)
    const signed = signStatement(ANNOUNCEMENT, signer.key, {
      at: Math.floor(this.#o.nowMs() / 1000),
      epoch: signer.epoch,
      hub,
      key: signer.publicKey,
      sealed: sealAnnounced({ share, hub }, { series, number, id, bytes }, nonce)
    })
    try {
      await publish(Buffer.from(formatSigned(signed)))
    } catch {
      this.#o.dropped()
    }
  }
}
