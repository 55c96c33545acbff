import { join } from 'node:path'
import { Announcer, DhtRecords, KadRouting, PROVIDE, ProvideRows } from '../../dht/index.ts'
import type { AnnouncerStats } from '../../dht/index.ts'
import type { Cid } from '../../protocols/index.ts'
import type { DhtOptions, LinkedServices, Records, RecordsParts } from '../../transport/index.ts'
import { announceStored } from '../blobs/public-roots.ts'
import type { Announcements } from '../blobs/index.ts'
import { openLevel } from '../stores/level.ts'
import type { Level } from '../stores/level.ts'
import type { NodeBase } from './base.ts'
import type { Identity } from './identity.ts'
import type { NodeStorage } from './storage.ts'

/** The DHT of a running node; it is open while there are hubs that it may link with. */
export interface NodeDht {
  /** What the transport opens it with. */
  readonly options: DhtOptions | false
  /** Undefined while it is not open. */
  readonly routing: () => KadRouting | undefined
  readonly announcements: Announcements
  readonly stats: () => AnnouncerStats | undefined
  /** Announcements since the start. */
  readonly counts: () => { readonly announced: number; readonly failed: number }
  /** Peer ids of the routing table. */
  readonly peers: () => readonly string[]
  /** The transport has opened it. */
  opened(services: LinkedServices): Promise<void>
  /** It is about to be closed. Safe to call twice. */
  closing(): Promise<void>
  /** It is closed. Safe to call twice. */
  closed(): Promise<void>
}

export interface DhtPlace {
  /** False where everything is in memory. */
  readonly isOnDisk: boolean
  readonly storage: Pick<NodeStorage, 'store'>
}

interface Open {
  readonly routing: KadRouting
  readonly announcer: Announcer
  readonly services: LinkedServices
  readonly end: AbortController
}

/** Peers fill it within its bounds: what they can make of it in memory is little. */
const WRITE_BUFFER_BYTES = 2 * 1024 * 1024

/** Prepares the DHT: its records and the roots to announce are in a store of their own, which may be thrown away. */
export function prepareDht(
  { config, log, metrics }: NodeBase,
  { keys, folder }: Identity,
  { isOnDisk, storage }: DhtPlace
): NodeDht {
  const place = isOnDisk && folder !== undefined ? join(folder.folder, 'dht') : 'memory'
  let level: Level | undefined
  let open: Open | undefined
  let announced = 0
  let failed = 0

  const records = async (parts: RecordsParts): Promise<Records> => {
    level ??= await openLevel(place, { writeBufferBytes: WRITE_BUFFER_BYTES }).catch((err: unknown) => {
      log.warn(
        { event: 'DhtStoreNotOpened', err },
        'the DHT remembers nothing over a restart; remove its folder'
      )
      return openLevel('memory')
    })
    return DhtRecords.open(level, parts)
  }
  const isPublic = async (cid: Cid): Promise<boolean> =>
    (await storage.store().roots.classOf(cid)) === 'public'
  const onError = (err: unknown): void =>
    log.warn({ event: 'AnnouncementsFailed', err }, 'public blobs are not announced; it is tried again')
  const told = (work: Promise<unknown> | undefined): void => void work?.catch(onError)

  const opened = async (services: LinkedServices): Promise<void> => {
    const { dht } = services
    if (dht === undefined || level === undefined || open !== undefined) return
    const routing = new KadRouting(dht, { self: keys.peerId, peers: () => services.dhtPeers().length })
    const rows = await ProvideRows.open(level, { nowMs: Date.now(), intervalMs: PROVIDE.intervalMs })
    const announcer = new Announcer({
      rows,
      routing,
      isPublic,
      onError,
      onAnnounced: (_, result) => void ('error' in result ? failed++ : announced++)
    })
    const end = new AbortController()
    open = { routing, announcer, services, end }
    announcer.start()
    told(announceStored(storage.store(), announcer, end.signal).catch(error => ignoreEnd(error, end.signal)))
  }
  const closing = async (): Promise<void> => {
    const was = open
    open = undefined
    was?.end.abort()
    await was?.announcer.stop()
  }
  metrics.gauge('dht_peers', 'Peers in the routing table.', () => open?.services.dhtPeers().length ?? 0)
  metrics.gauge(
    'dht_announced_roots',
    'Public roots that are announced.',
    () => open?.announcer.stats.roots ?? 0
  )
  metrics.counter('dht_announcements_total', 'Announcements of which peers took note.', () => announced)
  metrics.counter('dht_announcements_failed_total', 'Announcements of which nobody took note.', () => failed)
  return {
    options: config.dht.enabled ? { records } : false,
    routing: () => open?.routing,
    announcements: {
      announce: cid => told(open?.announcer.add([cid])),
      review: cid => told(open?.announcer.review(cid))
    },
    stats: () => open?.announcer.stats,
    counts: () => ({ announced, failed }),
    peers: () => open?.services.dhtPeers().map(String) ?? [],
    opened,
    closing,
    async closed() {
      const was = level
      level = undefined
      await was?.close()
    }
  }
}

function ignoreEnd(error: unknown, signal: AbortSignal): void {
  if (!signal.aborted) throw error
}
