import {
  BlobFetcher,
  NamedPeers,
  announcing,
  fetching,
  isMintedForContent,
  providerOf,
  repaired
} from '../blobs/index.ts'
import type { FetchOutcome } from '../blobs/index.ts'
import { callsTo, hangUp } from '../links/index.ts'
import { OapError, refusalOf, storageService } from '../../protocols/index.ts'
import type { Call, Service } from '../../protocols/index.ts'
import type { NodeBase } from './base.ts'
import type { NodeDht } from './dht.ts'
import type { Identity } from './identity.ts'
import type { NodeLinks } from './links.ts'
import type { NodeStorage, StorageService } from './storage.ts'

/** Blobs as several hubs share them. */
export interface NodeSharing {
  readonly forPeers: Service
  readonly forOperator: Service
  /** The last fetches that ended, newest first. */
  readonly outcomes: () => readonly FetchOutcome[]
}

export interface SharingPlace {
  readonly storage: NodeStorage
  readonly dht: NodeDht
  readonly links: Pick<NodeLinks, 'live' | 'addresses' | 'dial'>
  /** Unix seconds by the clock that cannot be set back. */
  readonly seconds: () => number
}

/** The verb of a capability whose holder may have this node fetch what it does not have. */
const FETCH_VERB = 'storage:fetch'

/** The storage service of a node with links: it announces public blobs, and fetches from others for who may. */
export function openSharing(
  { config, log, metrics, started }: NodeBase,
  { keys }: Identity,
  { storage, dht, links, seconds }: SharingPlace
): NodeSharing {
  let fetched = 0
  let failed = 0
  const named = new NamedPeers({
    own: links.addresses,
    dial: async (addresses, signal) => {
      const connection = await links.dial(addresses, signal)
      return {
        get: providerOf({ peer: connection.remotePeer.toString(), caller: callsTo(connection) }).get,
        isOpen: () => connection.status === 'open',
        close: () => hangUp(connection, 'nothing more is fetched from there')
      }
    }
  })
  const fetcher = new BlobFetcher({
    store: storage.store,
    room: storage.room,
    linked: () =>
      links.live
        .all()
        .map(({ hub, connection, caller }) => ({ hub, peer: connection.remotePeer.toString(), caller })),
    // Where nobody else takes part there is nobody to ask, and asking would take all of its time.
    routing: () => (dht.peers().length === 0 ? undefined : dht.routing()),
    ...(config.dht.dial && { named: peer => named.provider(peer) }),
    tenantBytes: () => config.storage.tenantBytes,
    mostBytes: config.storage.fetchBytes,
    fetchesPerTenant: config.storage.fetchesPerTenant,
    now: () => Date.now(),
    onEnd: ({ code, report }) => {
      fetched += report.fetched
      if (code === undefined || code === 'cancelled') return
      failed++
      log.info({ event: 'FetchFailed', code, ...report }, 'a blob could not be fetched from others')
    }
  })
  started.defer(() => named.close())
  storage.repairFrom((id, signal) => repaired({ store: storage.store, fetcher }, id, signal))
  metrics.gauge('storage_fetches', 'Blobs that are fetched from others.', () => fetcher.underWay)
  metrics.counter('storage_fetched_bytes_total', 'Bytes of blobs that came from others.', () => fetched)
  metrics.counter('storage_fetches_failed_total', 'Fetches that did not succeed.', () => failed)

  const isAllowed = (call: Call, cid: string): boolean => {
    const { capability } = call
    if (!config.storage.fetchThrough || capability === undefined) return false
    if (isMintedForContent(capability)) return true
    const use = {
      verb: FETCH_VERB,
      app: storageService.app,
      content: cid,
      bytes: 0,
      writes: false,
      tenantId: undefined,
      peer: call.peer,
      hub: keys.hubId,
      now: seconds()
    }
    return refusalOf(capability, use) === undefined
  }
  const forPeers = fetching(announcing(storage.forPeers, dht.announcements), {
    fetcher,
    mayFetch: isAllowed,
    tenantOf: ({ tenant }) => tenant,
    maySearch: ({ capability, granted }) => capability !== undefined || granted !== undefined
  })
  const forOperator = fetching(announcing(ofTenants(storage.forOperator), dht.announcements), {
    fetcher,
    mayFetch: () => true,
    tenantOf: tenantOfOperator,
    maySearch: () => true
  })
  return {
    forPeers: forPeers as Service,
    forOperator: forOperator as Service,
    outcomes: () => fetcher.outcomes
  }
}

const NIL_TENANT = '00000000-0000-0000-0000-000000000000'

/** What is stored for nobody, everybody may read: the operator has to say whose a blob is. */
function tenantOfOperator({ tenant }: Call): string {
  if (tenant === NIL_TENANT) throw new OapError('bad_request', 'tenant: the one that the blob is stored for')
  return tenant
}

function ofTenants({ table, handlers }: StorageService): StorageService {
  const put: typeof handlers.put = (request, call) => {
    tenantOfOperator(call)
    return handlers.put(request, call)
  }
  return { table, handlers: { ...handlers, put } }
}
