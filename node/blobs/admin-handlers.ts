import type { AnnouncerStats, ProviderReport } from '../../dht/index.ts'
import { OapError, cidText, parseCid } from '../../protocols/index.ts'
import type { Handlers, dhtAdminOperations } from '../../protocols/index.ts'
import type { FetchOutcome } from './blob-fetcher.ts'

export type DhtAdmin = Handlers<typeof dhtAdminOperations>

export interface DhtAdminOptions {
  /** Undefined while the DHT is not open. */
  readonly stats: () => AnnouncerStats | undefined
  /** Announcements since the start. */
  readonly counts: () => { readonly announced: number; readonly failed: number }
  readonly peers: () => readonly string[]
  readonly outcomes: () => readonly FetchOutcome[]
}

const PEERS = 512
const TEXT = 256

/** The operator's rows about the DHT and fetches. */
export const dhtAdmin = ({ stats, counts, peers, outcomes }: DhtAdminOptions): DhtAdmin => ({
  dht_stats: () => {
    const now = stats()
    return {
      open: now !== undefined,
      peers: peers().length,
      roots: now?.roots ?? 0,
      under_way: now?.underWay ?? 0,
      ...counts(),
      gap_ms: Math.round(now?.gapMs ?? 0)
    }
  },
  dht_peers: () => ({ peers: peers().slice(0, PEERS) }),
  fetch_report: ({ cid: asked }) => {
    const cid = cidText(parseCid(asked))
    const outcome = outcomes().find(one => one.cid === cid)
    if (outcome === undefined) throw new OapError('not_found', 'it was not fetched a short while ago')
    const { code, endedAtMs, report } = outcome
    return {
      cid,
      ...(code !== undefined && { code }),
      ended_at: endedAtMs,
      ms: Math.round(report.ms),
      ...(report.missing !== undefined && { missing: report.missing }),
      fetched: report.fetched,
      providers: report.providers.map(providerRow),
      searches: report.searches.map(note => note.slice(0, TEXT))
    }
  }
})

const providerRow = ({ provider, via, asked, bytes, reached, ended, detail, ms }: ProviderReport) => ({
  peer: provider,
  via,
  asked,
  bytes,
  ...(reached !== undefined && { reached }),
  ...(ended !== undefined && { ended }),
  ...(detail !== undefined && { detail: detail.slice(0, TEXT) }),
  ms: Math.round(ms)
})
