import { BlameBook, FetchFailed, Flights, LinkedFirst } from '../../dht/index.ts'
import type {
  BlobProvider,
  Boarding,
  FetchReport,
  RoutedPeer,
  Routing,
  SearchOptions
} from '../../dht/index.ts'
import { OapError, cidText } from '../../protocols/index.ts'
import type { Cid, ReadAhead } from '../../protocols/index.ts'
import type { BlobStore } from '../stores/blobs/index.ts'
import { holderOf, providerOf } from './peer-provider.ts'
import type { StoragePeer } from './peer-provider.ts'
import { StoredFetch } from './stored-fetch.ts'

export interface BlobFetcherOptions {
  readonly store: () => BlobStore
  /** Room for leaves that are read before they are due. */
  readonly room: ReadAhead
  /** Peers with a link at this moment. */
  readonly linked: () => readonly StoragePeer[]
  /** Undefined while the DHT is not open. */
  readonly routing: () => Routing | undefined
  /** How a peer without a link is asked that the DHT names; undefined for one that cannot be. */
  readonly named?: (peer: RoutedPeer) => Pick<BlobProvider, 'provider' | 'get'> | undefined
  readonly tenantBytes: (tenant: string) => number
  /** Longer blobs are not fetched. */
  readonly mostBytes: number
  /** Fetches for one tenant at the same time. */
  readonly fetchesPerTenant: number
  /** Unix milliseconds. */
  readonly now: () => number
  readonly onEnd?: (outcome: FetchOutcome) => void
}

/** What became of a fetch. */
export interface FetchOutcome {
  readonly cid: string
  /** Undefined for one that succeeded. */
  readonly code: string | undefined
  readonly report: FetchReport
  /** Unix milliseconds. */
  readonly endedAtMs: number
}

export interface WantedBlob {
  readonly cid: Cid
  readonly tenant: string
  readonly offset?: number | undefined
  readonly length?: number | undefined
}

/** Fetched blobs that nobody pins may be taken away after so long. */
const KEPT_MS = 24 * 3_600_000
const RETRY_MS = 1000
const OUTCOMES = 32

/** Brings blobs from linked peers and those whom the DHT names. */
export class BlobFetcher {
  readonly #options: BlobFetcherOptions
  readonly #flights = new Flights<StoredFetch>()
  readonly #blame = new BlameBook()
  readonly #ofTenant = new Map<string, number>()
  readonly #outcomes: FetchOutcome[] = []

  constructor(options: BlobFetcherOptions) {
    this.#options = options
  }

  /** The hub of a peer that has a link. */
  hubOf(peer: string): string | undefined {
    return this.#options.linked().find(one => one.peer === peer)?.hub
  }

  /** Fetches that are under way. */
  get underWay(): number {
    return this.#flights.size
  }

  /** The last ones that ended, newest first. */
  get outcomes(): readonly FetchOutcome[] {
    return this.#outcomes.toReversed()
  }

  /** Begins a fetch, or joins that of the same tenant for the same. @throws OapError `quota_tenant` */
  board({ cid, tenant, offset = 0, length }: WantedBlob): Boarding<StoredFetch> {
    const range = length === undefined ? { offset } : { offset, length }
    return this.#flights.board(`${tenant} ${cidText(cid)} ${offset} ${length ?? ''}`, () =>
      this.#begin(cid, tenant, range)
    )
  }

  /**
   * Looks for providers as a fetch does, or with `reach` for others too; ends when `signal` says so, or at the search's own
   * deadlines.
   */
  search(cid: Cid, { reach, signal }: Pick<SearchOptions, 'reach' | 'signal'> = {}): LinkedFirst {
    const { linked, routing, named } = this.#options
    return new LinkedFirst({
      cid,
      linked: linked().map(holderOf),
      routing: routing(),
      reach:
        reach ??
        (routed => {
          const known = linked().find(({ peer }) => peer === routed.peer)
          return known === undefined ? named?.(routed) : providerOf(known)
        }),
      ...(signal && { signal })
    })
  }

  #begin(
    cid: Cid,
    tenant: string,
    range: { readonly offset: number; readonly length?: number }
  ): StoredFetch {
    const { store, room, tenantBytes, mostBytes, fetchesPerTenant, now } = this.#options
    const underWay = this.#ofTenant.get(tenant) ?? 0
    if (underWay >= fetchesPerTenant)
      throw new OapError('quota_tenant', `the tenant has ${underWay} fetches under way`, {
        retryAfterMs: RETRY_MS
      })
    const fetch = new StoredFetch({
      cid,
      ...range,
      search: this.search(cid),
      blame: this.#blame,
      store: store(),
      room,
      tenant,
      tenantBytes: tenantBytes(tenant),
      mostBytes,
      expiresAtMs: now() + KEPT_MS
    })
    this.#ofTenant.set(tenant, underWay + 1)
    void fetch.done.then(
      () => this.#ended(fetch, cid, tenant),
      (error: unknown) => this.#ended(fetch, cid, tenant, error)
    )
    return fetch
  }

  #ended({ fetch }: StoredFetch, cid: Cid, tenant: string, error?: unknown): void {
    const left = this.#ofTenant.get(tenant)! - 1
    if (left > 0) this.#ofTenant.set(tenant, left)
    else this.#ofTenant.delete(tenant)
    const report = error instanceof FetchFailed ? error.report : fetch.report
    const outcome = { cid: cidText(cid), code: codeOf(error), report, endedAtMs: this.#options.now() }
    this.#outcomes.push(outcome)
    if (this.#outcomes.length > OUTCOMES) this.#outcomes.shift()
    this.#options.onEnd?.(outcome)
  }
}

function codeOf(error: unknown): string | undefined {
  if (error === undefined) return undefined
  if (error instanceof OapError) return error.code
  return error instanceof Error && error.name === 'AbortError' ? 'cancelled' : 'internal'
}
