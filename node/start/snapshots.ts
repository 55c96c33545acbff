import { join } from 'node:path'
import type { FastifyInstance } from 'fastify'
import { shareHeads } from '../../federation/index.ts'
import type { SettledSeries, SnapshotHeads } from '../../federation/index.ts'
import { OapError } from '../../protocols/index.ts'
import type { NodeSigners } from '../identity/index.ts'
import { parseCheckpoint, parseNote } from '../audit/index.ts'
import {
  OwnSnapshots,
  PeerSnapshots,
  SnapshotFolders,
  SnapshotRows,
  dueS,
  follow,
  keepMaking,
  linkedSource,
  noSnapshots,
  snapshotRoutes,
  splitProof,
  snapshotsAdmin,
  storedPackages,
  validFor
} from '../snapshots/index.ts'
import type { SnapshotsAdmin, State } from '../snapshots/index.ts'
import type { NodeStore } from '../stores/node-store.ts'
import { systemClock } from '../supervision.ts'
import type { Allowlist } from '../allowlist/index.ts'
import type { NodeAudit } from './audit.ts'
import type { NodeBase } from './base.ts'
import type { Rights } from './capabilities.ts'
import type { Identity } from './identity.ts'
import type { NodeLinks } from './links.ts'
import { isMirror } from './mirror.ts'
import type { NodePeerKeys } from './peer-keys.ts'
import type { NodeStorage } from './storage.ts'
import type { NodeWitness } from './witness.ts'

const NO_DIGEST = '0'.repeat(64)

export interface SnapshotStanding {
  readonly snapshot_seq?: number
  readonly snapshot_created?: number
  readonly snapshot_hubs?: number
}

/** Snapshots of a running node. It makes none by itself before `start`. */
export interface NodeSnapshots {
  readonly admin: SnapshotsAdmin
  /** What `federation status` says; nothing where there is no snapshot. */
  readonly standing: () => SnapshotStanding
  start(): Promise<void>
  /**
   * What is shown of snapshots over HTTP; `charge` counts a request and yields how long to wait. Without `hasKey` another
   * key stands under `/.well-known/`.
   */
  readonly routes: (
    charge: () => number,
    options: { readonly hasKey: boolean }
  ) => ((app: FastifyInstance) => void) | undefined
  /** How far a mirror is behind its core, in seconds; undefined for a core. */
  readonly lagS: () => number | undefined
}

export interface SnapshotsPlace {
  readonly store: NodeStore
  /** False where everything is in memory. */
  readonly isOnDisk: boolean
  readonly audit: NodeAudit
  readonly rights: Pick<Rights, 'capabilities' | 'seconds'>
  readonly allowlist: Allowlist
  readonly peerKeys: NodePeerKeys
  readonly storage: Pick<NodeStorage, 'store'>
  readonly links: Pick<NodeLinks, 'live' | 'over'>
  readonly signers: Pick<NodeSigners, 'of'>
  readonly policyVersion: () => number
  /** What is settled of shared topics; nothing while the store is not open. */
  readonly series: () => Iterable<SettledSeries>
  /** Where proof goes that a hub has signed two snapshots of one number. */
  readonly equivocations: Pick<NodeWitness['equivocations'], 'found'>
}

const NONE: NodeSnapshots = {
  admin: noSnapshots,
  standing: () => ({}),
  start: () => Promise.resolve(),
  routes: () => undefined,
  lagS: () => undefined
}

/** Prepares the snapshots that this hub makes, and those of linked hubs; a node without a data folder has none. */
export async function openSnapshots(
  base: NodeBase,
  { folder, keys }: Identity,
  {
    store,
    isOnDisk,
    audit,
    rights: { capabilities, seconds },
    allowlist,
    peerKeys,
    storage,
    links,
    signers,
    policyVersion,
    series,
    equivocations
  }: SnapshotsPlace
): Promise<NodeSnapshots> {
  if (folder === undefined || !isOnDisk) {
    links.over.serve({
      snapshot: () => {
        throw noSuchSnapshot()
      }
    })
    return NONE
  }
  const { config, log, metrics } = base
  const { everyMinutes, keep, keepPerHub } = config.snapshots
  const everyS = everyMinutes * 60
  const node = keys.delegation.statement.node
  const folders = await SnapshotFolders.open(join(folder.folder, 'snapshots'))
  const rows = await SnapshotRows.open(
    () => store.level,
    row => log.error({ event: 'SnapshotRowDamaged', row }, 'what was known of a snapshot is damaged')
  )
  const sinceS = await rows.begin(seconds())
  const record = (event: Parameters<NodeAudit['append']>[0]): Promise<void> => audit.append(event)
  let refusals = 0
  const own = new OwnSnapshots({
    hub: keys.hubId,
    node,
    folders,
    rows,
    packages: storedPackages(() => storage.store()),
    signer: () => signers.of('snapshot'),
    state: async () => ({
      ...(await headsOf(audit, capabilities, series)),
      policyVersion: policyVersion(),
      keys: await peerKeys.own.lines()
    }),
    record,
    nowS: seconds,
    validS: validFor(everyS),
    keep
  })
  const peers = new PeerSnapshots({
    folders,
    rows,
    sourceOf: hub => {
      allowlist.find(hub)
      const quarantine = peerKeys.known.quarantine(hub)
      if (quarantine !== undefined)
        throw new OapError('conflict', `hub ${hub}: is in quarantine, ${quarantine}; see peer show`, {
          code: 'quarantined'
        })
      const link = links.live.of(hub)
      if (link !== undefined) return linkedSource(link.caller)
      throw new OapError('not_found', `hub ${hub}: there is no link; see federation status`, {
        code: 'no_link'
      })
    },
    bookOf: hub => peerKeys.known.book(hub),
    record,
    split: async (hub, lines, records) => {
      try {
        await equivocations.found(splitProof(hub, lines, peerKeys.known.book(hub), records))
      } catch (err) {
        // One that is too long for a proof is in the audit log of this hub alone.
        log.error(
          { event: 'SplitNotProved', hub, err },
          'two snapshots of one number could not be made a proof'
        )
      }
    },
    refused: (hub, why, about) => {
      refusals++
      log.warn({ event: 'SnapshotRefused', hub, why, about }, 'a snapshot of a linked hub was not taken')
    },
    nowS: seconds,
    keep: keepPerHub
  })
  await own.recover()
  await peers.recover()
  const due = (): number => dueS({ own, sinceS, everyS, nowS: seconds })
  const failed = (err: unknown): void =>
    log.warn({ event: 'SnapshotFailed', err }, 'a snapshot was not made, or not offered; it is tried again')
  const core = isMirror(config) ? config.mirror.core : undefined
  const notFollowed = (err: unknown): void =>
    log.warn(
      { event: 'CoreNotFollowed', err },
      'the core of this mirror did not give a snapshot; it is asked again'
    )
  const lagS = (): number | undefined =>
    core === undefined ? undefined : Math.max(0, seconds() - (peers.of(core).at(-1)?.held.created ?? sinceS))
  if (core !== undefined)
    metrics.gauge(
      'mirror_lag_seconds',
      'Age of the newest snapshot of the core that this mirror has verified.',
      () => lagS() ?? 0
    )
  else
    metrics.gauge(
      'snapshot_age_seconds',
      'Age of the newest snapshot of this hub; before the first one, since it was begun to make them.',
      () => Math.max(0, seconds() - (own.newest?.held.created ?? sinceS))
    )
  metrics.gauge('snapshot_interval_seconds', 'How often a snapshot is made.', () => everyS)
  metrics.gauge('snapshot_hubs', 'Other hubs of which a snapshot is kept.', () => peers.hubs.length)
  metrics.counter('snapshots_refused_total', 'Snapshots of other hubs that were refused.', () => refusals)
  links.over.serve({
    snapshot: ({ seq }) => {
      const found = seq === undefined ? own.all.at(-1) : own.all.find(({ held }) => held.seq === seq)
      if (found === undefined) throw noSuchSnapshot()
      return { seq: found.held.seq, sha256: found.held.sha256, cid: found.cid, bytes: found.bytes }
    }
  })
  return {
    admin: snapshotsAdmin({
      self: keys.hubId,
      own,
      peers,
      folders,
      due,
      made: () => own.tidy().catch(failed)
    }),
    standing: () => {
      const held = own.newest?.held
      const hubs = peers.hubs.length
      return {
        ...(held && { snapshot_seq: held.seq, snapshot_created: held.created }),
        ...(hubs > 0 && { snapshot_hubs: hubs })
      }
    },
    routes: (charge, { hasKey }) =>
      snapshotRoutes({
        hasKey,
        shown: () => (core === undefined ? own.all : peers.of(core)),
        hub: core ?? keys.hubId,
        folders,
        charge,
        isMirror: core !== undefined
      }),
    lagS,
    start: () =>
      base.supervise({
        service: 'snapshots',
        crashReason: 'crash_store',
        async run(started, signal) {
          started()
          const sleep = (ms: number, end: AbortSignal): Promise<void> => systemClock.sleep(ms, end)
          const everyMs = config.mirror.everySeconds * 1000
          if (core !== undefined) await follow({ peers, core, everyMs, sleep, failed: notFollowed }, signal)
          else await keepMaking({ own, sinceS, everyS, nowS: seconds, sleep, failed }, signal)
        }
      })
  }
}

/** What a hub has settled of its shares, as its book has it. */
export const settledSeries = (book: { all(): Iterable<BookedSeries> } | undefined): SettledSeries[] =>
  [...(book?.all() ?? [])].map(({ share, origin, series, stored: { first, last, missing } }) => ({
    share,
    origin,
    series,
    first,
    last,
    missing
  }))

type BookedSeries = Pick<SettledSeries, 'share' | 'origin' | 'series'> & {
  readonly stored: Pick<SettledSeries, 'first' | 'last' | 'missing'>
}

async function headsOf(
  { part }: NodeAudit,
  capabilities: Rights['capabilities'],
  series: SnapshotsPlace['series']
): Promise<Pick<State, 'heads' | 'checkpoint'>> {
  const checkpoint = await part?.log.checkpoint()
  const head = capabilities.revocationHead()?.statement
  const revocation = { digest: head?.digest ?? NO_DIGEST, seq: head?.seq ?? 0 }
  const heads: SnapshotHeads = { revocation, shares: shareHeads(series()) }
  if (checkpoint === undefined) return { heads, checkpoint }
  const { origin, size, root } = parseCheckpoint(parseNote(checkpoint).text)
  return { heads: { ...heads, audit: { origin, root: Buffer.from(root).toString('hex'), size } }, checkpoint }
}

const noSuchSnapshot = (): OapError =>
  new OapError('not_found', 'there is no such snapshot here', { code: 'no_snapshot' })
