import {
  ANNOUNCEMENT,
  MAX_ANNOUNCEMENT_CHARS,
  SHARES,
  openAnnounced,
  parseSigned,
  statementProblem
} from '../../federation/index.ts'
import type { Announced, Announcement, DelegationBook, Signed } from '../../federation/index.ts'
import { BucketTable } from '../guards/bucket-table.ts'
import type { Agreements } from './agreements.ts'
import type { Refusals } from './refusals.ts'
import type { SeriesName } from './rows.ts'

/** What becomes of an announcement: it is passed on; held against who sent it; or passed over. */
export type HeardVerdict = 'accept' | 'reject' | 'ignore'

/** Of one peer, whosever announcements it passes on. */
const HEARD = { burst: 500, perSecond: 200 }
/** Of one origin: each of its shares may announce 50 times a second, and few do. */
const OF_ORIGIN = { burst: 400, perSecond: 100 }
const MOST_PEERS = 1024
/** An older announcement is about what a round has brought since. */
const OLD_S = 600

export interface HearingOptions {
  readonly self: string
  readonly agreements: Pick<Agreements, 'isAllowed' | 'sharesFrom'>
  readonly keysOf: (hub: string) => DelegationBook
  readonly refusals: Pick<Refusals, 'refuse'>
  readonly now: () => { readonly ms: number; readonly s: number }
  /** The hub at the other side of a peer's link. */
  readonly hubOf: (peer: string) => string | undefined
  /** Resolves when what a hub has heard from another may be passed on; undefined for at once. */
  readonly announced: (name: SeriesName, announced: Announced, from: string) => Promise<void> | undefined
}

/** Judges announcements, each before it is passed on: what floods costs whoever sends it, and nobody else. */
export class Hearing {
  readonly #o: HearingOptions
  readonly #peers = new BucketTable(MOST_PEERS)
  readonly #origins = new BucketTable(MOST_PEERS)

  constructor(options: HearingOptions) {
    this.#o = options
  }

  /** Judges what a peer sent. What tells of something that this hub is fetching is accepted once that is here. */
  hear(peer: string, data: Uint8Array): HeardVerdict | Promise<HeardVerdict> {
    const { ms } = this.#o.now()
    const hub = this.#o.hubOf(peer)
    if (hub === undefined || this.#peers.get(hub, HEARD, ms).take(1, ms) > 0) return 'ignore'
    const signed = readAnnouncement(data)
    if (signed === undefined) return this.#reject(hub)
    const origin = signed.statement.hub
    const { agreements, self } = this.#o
    if (origin === self || !agreements.isAllowed(origin)) return 'ignore'
    if (this.#origins.get(origin, OF_ORIGIN, ms).take(1, ms) > 0) return 'ignore'
    const problem = this.#problem(signed)
    if (problem === 'signature') return this.#reject(hub)
    if (problem !== undefined) {
      this.#o.refusals.refuse(hub, problem)
      return 'ignore'
    }
    return this.#tell(origin, signed.statement, hub)?.then(() => 'accept' as const) ?? 'accept'
  }

  #problem(signed: Signed<Announcement>): Parameters<Refusals['refuse']>[1] | undefined {
    const { hub, at } = signed.statement
    const { s } = this.#o.now()
    if (at > s + SHARES.skewS) return 'clock'
    if (at < s - OLD_S) return 'stale'
    return statementProblem(this.#o.keysOf(hub), ANNOUNCEMENT, signed, s)
  }

  #tell(origin: string, announcement: Announcement, from: string): Promise<void> | undefined {
    for (const share of this.#o.agreements.sharesFrom(origin)) {
      const announced = openAnnounced(share, announcement)
      if (announced === undefined) continue
      const { series } = announced
      return this.#o.announced({ share, origin, series }, announced, from)
    }
    return undefined
  }

  #reject(hub: string): 'reject' {
    this.#o.refusals.refuse(hub, 'announcement')
    return 'reject'
  }
}

function readAnnouncement(data: Uint8Array): Signed<Announcement> | undefined {
  if (data.length > MAX_ANNOUNCEMENT_CHARS) return undefined
  try {
    return parseSigned(ANNOUNCEMENT, Buffer.from(data).toString('latin1'))
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}
