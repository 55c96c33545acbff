import { join } from 'node:path'
import { importBlob } from '../../dht/index.ts'
import { OapError, ReadAhead, STORAGE_LIMITS } from '../../protocols/index.ts'
import type { Provider, Service, storageService } from '../../protocols/index.ts'
import { Scrubs } from '../blobs/index.ts'
import type { BlobsAdmin } from '../blobs/index.ts'
import { blobTenantOfPeer, storageOver } from '../handlers/storage.ts'
import type { StorageServiceOptions } from '../handlers/storage.ts'
import { auditEvent } from '../audit/index.ts'
import { LevelBlobStore } from '../stores/blobs/index.ts'
import type { BlobError, BlobStore, ScrubOptions } from '../stores/blobs/index.ts'
import { systemClock } from '../supervision.ts'
import type { Capabilities } from '../capabilities/index.ts'
import type { NodeAudit } from './audit.ts'
import type { NodeBase } from './base.ts'
import type { Identity } from './identity.ts'

/** How often it is looked whether the store still works. */
const LOOK_MS = 1000
/** What nothing holds is collected after so many looks. */
const LOOKS_TO_COLLECT = 60

/** Room for leaves that are read before they are due, for all readers together: a fast one has a sixteenth of it. */
const READ_AHEAD_BYTES = 4 * 1024 * 1024

export type StorageService = Service<(typeof storageService)['operations']>

/** The blobs of a running node. */
export interface NodeStorage {
  /** What peers may call, under their capabilities. */
  readonly forPeers: StorageService
  /** What the operator may call: the tenant is the one that the frame names. */
  readonly forOperator: StorageService
  /** The store that is open now. @throws OapError `not_ready` */
  readonly store: () => BlobStore
  /** What all who read blobs share. */
  readonly room: ReadAhead
  readonly admin: BlobsAdmin
  /** To be told of a block that was not sent, because it does not have its hash any more. */
  readonly foundRotten: (error: BlobError) => void
  /** From now on what has rotted is looked for there. */
  repairFrom(fetch: NonNullable<ScrubOptions['fetch']>): void
}

export interface StoragePlace {
  /** False where the store is in memory. */
  readonly isOnDisk: boolean
  readonly audit: Pick<NodeAudit, 'append'>
  readonly capabilities: Pick<Capabilities, 'isPurged'>
  /** This node as others reach it. */
  readonly self: () => { readonly peer: string; readonly addresses: readonly string[] }
}

/** Opens the store of blobs in the data folder, and keeps it open; it is opened anew when it failed. */
export async function openStorage(
  base: NodeBase,
  { folder }: Identity,
  { isOnDisk, audit, capabilities, self }: StoragePlace
): Promise<NodeStorage> {
  const { config, log, metrics } = base
  const place = isOnDisk && folder !== undefined ? join(folder.folder, 'blobs') : 'memory'
  let open: LevelBlobStore | undefined
  let rotten = 0
  let puts = 0
  let fetch: ScrubOptions['fetch']
  const room = new ReadAhead(READ_AHEAD_BYTES)
  const store = (): BlobStore => {
    if (open !== undefined) return open
    throw new OapError('not_ready', 'the store of blobs is not open')
  }
  const scrubs = new Scrubs({
    store,
    sleep: (ms, signal) => systemClock.sleep(ms, signal),
    fetch: async (id, signal) => await fetch?.(id, signal),
    found: ({ isRepaired }) => {
      rotten++
      log.error({ event: 'BlockRotten', isRepaired }, 'a stored block does not have its hash')
    },
    ended: ({ blocks, bytes, rotten, repaired }) => {
      if (blocks === 0) return
      audit.append(auditEvent('scrub', 'node', { blocks, bytes, rotten, repaired })).catch(failedScrub)
    },
    failed: failedScrub
  })
  await base.supervise({
    service: 'storage',
    crashReason: 'crash_store',
    async run(started, signal) {
      await using blobs = await LevelBlobStore.open(place, {
        now: () => Date.now(),
        isPurged: tenant => capabilities.isPurged(tenant)
      })
      log.debug({ event: 'BlobsOpened', ...blobs.opened }, 'store of blobs opened')
      open = blobs
      started()
      const scrubbing = scrubs.keep(blobs, signal)
      try {
        await keeping(base, blobs, signal)
      } finally {
        open = undefined
        await blobs[Symbol.asyncDispose]()
        await scrubbing
      }
    }
  })
  metrics.gauge('storage_bytes', 'Bytes of the blocks that are kept.', () => open?.bytes ?? 0)
  metrics.gauge(
    'storage_read_ahead_bytes',
    'Bytes of blobs that are read before they are due.',
    () => room.heldBytes
  )
  metrics.gauge('storage_puts', 'Blobs that come in.', () => puts)
  metrics.counter(
    'storage_rotten_total',
    'Blocks that did not have their hash when they were read.',
    () => rotten
  )
  metrics.counter(
    'storage_scrubbed_blocks_total',
    'Blocks that were hashed to find what has rotted.',
    () => scrubs.blocks
  )
  metrics.gauge(
    'storage_scrub_share',
    'How much of the blocks this round of hashing has seen.',
    () => scrubs.round
  )
  const options = {
    store,
    tenantBytes: () => config.storage.tenantBytes,
    importBlob: async (source, sink, how) => {
      puts++
      try {
        return await importBlob(source, sink, how)
      } finally {
        puts--
      }
    },
    findProviders: (_cid, { isOurs }) => Promise.resolve(isOurs ? [hereOf(self())] : []),
    room,
    onRotten: foundRotten,
    now: () => Date.now()
  } satisfies Omit<StorageServiceOptions, 'tenantOf'>
  return {
    forPeers: storageOver({ ...options, tenantOf: blobTenantOfPeer }),
    forOperator: storageOver({ ...options, tenantOf: ({ tenant }) => tenant }),
    store,
    room,
    admin: scrubs.admin,
    foundRotten,
    repairFrom(from) {
      fetch = from
    }
  }

  function foundRotten(err: BlobError): void {
    rotten++
    log.error({ event: 'BlockRotten', err }, 'a stored block does not have its hash and was not sent')
  }

  function failedScrub(err: unknown): void {
    log.warn(
      { event: 'BlobsNotScrubbed', err },
      'what is stored was not hashed to its end; it is tried again'
    )
  }
}

const hereOf = ({ peer, addresses }: ReturnType<StoragePlace['self']>): Provider => ({
  peer,
  addresses: addresses.slice(0, STORAGE_LIMITS.providerAddresses),
  via: 'here'
})

/** Collects what nothing holds until `signal` aborts; rejects when the store has failed. */
async function keeping({ log }: NodeBase, blobs: LevelBlobStore, signal: AbortSignal): Promise<void> {
  for (let looks = 1; !signal.aborted; looks++) {
    await systemClock.sleep(LOOK_MS, signal)
    if (blobs.failure !== undefined) throw new Error('the store of blobs failed', { cause: blobs.failure })
    if (signal.aborted || looks % LOOKS_TO_COLLECT !== 0) continue
    try {
      await blobs.gc({ signal })
    } catch (err) {
      if (!signal.aborted && blobs.failure === undefined)
        log.warn(
          { event: 'BlobsNotCollected', err },
          'what nothing holds was not collected; it is tried again'
        )
    }
  }
}
