import { join } from 'node:path'
import { OapError, mailboxService, refusalOf } from '../../protocols/index.ts'
import type { Call, Service } from '../../protocols/index.ts'
import type { Config } from '../config/index.ts'
import { formatDelegation } from '../../federation/index.ts'
import { mailboxOver, tenantOfPeer } from '../handlers/mailbox.ts'
import type { MailboxServiceOptions } from '../handlers/mailbox.ts'
import type { NodeKeys } from '../keys.ts'
import { Mailbox, TopicRules, parseRule } from '../mailbox/index.ts'
import type { Directing, MailboxCounts, ReceiptSigner, RuleFor } from '../mailbox/index.ts'
import { nodePlatform } from '../platform.ts'
import type { Elsewhere } from '../shares/index.ts'
import { LevelMailboxStore, openBatchMark } from '../stores/mailbox/index.ts'
import type { NodeStore } from '../stores/node-store.ts'
import type { NodeBase } from './base.ts'
import type { Rights } from './capabilities.ts'
import type { Identity } from './identity.ts'
import { ticking } from './mailbox-ticking.ts'
import type { NodeShares } from './shares.ts'
import { MAILBOX_MARK } from './stopped-mailbox.ts'

/** The mailbox of a running node. */
export interface NodeMailbox {
  /** What peers may call, under their capabilities. */
  readonly forPeers: Service
  /** What the operator may call: the tenant is the one that the frame names. */
  readonly forOperator: Service
  /** The mailbox that is open now. @throws OapError `not_ready`, `disk_full` where none is. */
  readonly current: () => Mailbox
  readonly ifOpen: () => Mailbox | undefined
  /** Lets no receiver wait any longer: the node is about to stop. */
  drain(): void
}

export interface MailboxPlace {
  readonly store: NodeStore
  readonly boot: number
  /** False where the store is in memory. */
  readonly isOnDisk: boolean
  readonly rights: Pick<Rights, 'capabilities' | 'grants' | 'seconds'>
  /** Takes messages for other hubs; without it there are none. */
  readonly directing?: Directing
  /** What goes to other hubs, and comes from them. */
  readonly shares: Pick<NodeShares, 'over'>
  /** Has topics of its own; without it all are the mailbox's. */
  readonly elsewhere?: Pick<Elsewhere, 'has'>
}

/** Opens the mailbox in the node's store, and keeps it open; it is opened anew, without leases, when it failed. */
export async function openMailbox(
  base: NodeBase,
  { folder, keys }: Identity,
  {
    store,
    boot,
    isOnDisk,
    shares,
    elsewhere,
    directing,
    rights: { capabilities, grants, seconds }
  }: MailboxPlace
): Promise<NodeMailbox> {
  const { config, log, metrics, storeLatency } = base
  const counts: Record<keyof MailboxCounts, number> = {
    redelivered: 0,
    dead: 0,
    expired: 0,
    receiptsDropped: 0
  }
  let corrupt = 0
  let open: Mailbox | undefined
  let isDraining = false
  const signer = signerOf(keys)
  await base.supervise({
    service: 'mailbox',
    crashReason: 'crash_store',
    async run(started, signal) {
      // Not over one in which a write failed: what came after that would be lost.
      const level = await store.opened(signal)
      await using messages = await LevelMailboxStore.open(level, {
        now: () => Date.now(),
        idemWindowMs: config.mailbox.idemWindowMs,
        ...(isOnDisk && folder && { mark: openBatchMark(join(folder.store, MAILBOX_MARK)) }),
        onCorrupt: row => {
          corrupt++
          log.error(
            { event: 'MailboxRowCorrupt', detail: row.detail },
            'a stored message is damaged and was set aside'
          )
        }
      })
      reportOpening(base, messages.opened)
      const { mailbox } = config
      const sharing = await shares.over(level, messages)
      const box = new Mailbox({
        store: measured(messages, storeLatency),
        boot,
        rules: rulesOf(config),
        signer,
        tenantBytes: mailbox.tenantBytes,
        readAheadBytes: mailbox.readAheadBytes,
        directing,
        shared: sharing.sending,
        isPurged: tenant => capabilities.isPurged(tenant),
        counts,
        now: () => Date.now()
      })
      if (isDraining) box.drain()
      open = box
      sharing.opened(box)
      started()
      try {
        const missed = (err: unknown): void =>
          log.warn({ event: 'MailboxTickFailed', err }, 'what is due in the mailbox waits for the next tick')
        await ticking(box, { level, messages, missed }, signal)
      } finally {
        open = undefined
        sharing.closed()
        box.close()
      }
    }
  })
  measure(
    metrics,
    () => open,
    counts,
    () => corrupt
  )
  const current = (): Mailbox => {
    if (open !== undefined) return open
    throw store.isDiskFull ? new OapError('disk_full') : new OapError('not_ready', 'the mailbox is not open')
  }
  const options = {
    mailbox: current,
    visibilityMs: config.mailbox.visibilityMs,
    maxVisibilityMs: config.mailbox.maxVisibilityMs,
    afterAnswer: (run: () => void) => nodePlatform.afterTurn(run),
    failed: (err: unknown) =>
      log.warn({ event: 'MailboxAfterAnswer', err }, 'what follows a delivery was not stored'),
    isElsewhere: elsewhere?.has,
    sendRefusal: (call: Call, topic: string) =>
      call.granted === undefined
        ? sendRefusal(keys.hubId, seconds, call, topic)
        : grants.sendRefusal(call, mailboxService.operations.send.verb, topic)
  } satisfies Omit<MailboxServiceOptions, 'tenantOf'>
  return {
    forPeers: mailboxOver({ ...options, tenantOf: tenantOfPeer }) as Service,
    forOperator: mailboxOver({ ...options, tenantOf: ({ tenant }) => tenant }) as Service,
    current,
    ifOpen: () => open,
    drain() {
      isDraining = true
      open?.drain()
    }
  }
}

function reportOpening(
  { log }: NodeBase,
  { missing, replayed, recounted }: LevelMailboxStore['opened']
): void {
  for (const { from, to } of missing)
    log.error({ event: 'MailboxBatchesMissing', from, to }, 'batches that were durable are gone')
  log.debug({ event: 'MailboxOpened', replayed, recounted }, 'mailbox opened')
}

/** Commits count as what must be durable, so that the node sheds writes when the disk is slow. */
function measured(store: LevelMailboxStore, latency: NodeBase['storeLatency']): LevelMailboxStore {
  const commit = store.commit.bind(store)
  store.commit = changes => latency.measure(() => commit(changes))
  return store
}

export function rulesOf({ mailbox }: Pick<Config, 'mailbox'>): TopicRules {
  const { maxAttempts, retentionMs, retentionBytes, deadRetentionMs, deadBytes, topicDepth: depth } = mailbox
  const rules = mailbox.topics.map(parseRule).filter((rule): rule is RuleFor => typeof rule !== 'string')
  const rest = { maxAttempts, retentionMs, retentionBytes, deadRetentionMs, deadBytes, depth }
  return new TopicRules(rules, rest)
}

const signerOf = ({ hubId, delegation, nodeKey }: NodeKeys): ReceiptSigner => ({
  hub: hubId,
  delegation: formatDelegation(delegation).trimEnd(),
  sign: bytes => nodeKey.sign(bytes) as Uint8Array
})

/** Whether the caller might have sent to the topic itself. */
function sendRefusal(
  hub: string,
  seconds: () => number,
  { capability, peer }: Call,
  topic: string
): OapError | undefined {
  if (capability === undefined) return undefined
  return refusalOf(capability, {
    verb: mailboxService.operations.send.verb,
    app: mailboxService.app,
    topic,
    bytes: 0,
    writes: true,
    tenantId: undefined,
    peer,
    hub,
    now: seconds()
  })
}

function measure(
  metrics: NodeBase['metrics'],
  open: () => Mailbox | undefined,
  counts: MailboxCounts,
  corrupt: () => number
): void {
  metrics.gauge('mailbox_leases', 'Messages under lease.', () => open()?.leases ?? 0)
  metrics.gauge('mailbox_receivers', 'Calls that wait for messages.', () => open()?.receivers ?? 0)
  metrics.gauge('mailbox_held_bytes', 'Bytes of messages read ahead.', () => open()?.heldBytes ?? 0)
  metrics.counter('mailbox_redelivered_total', 'Deliveries after the first.', () => counts.redelivered)
  metrics.counter('mailbox_dead_total', 'Messages that became dead letters.', () => counts.dead)
  metrics.counter('mailbox_expired_total', 'Messages and dead letters that expired.', () => counts.expired)
  metrics.counter(
    'mailbox_receipts_dropped_total',
    'Receipts and bounces for which there was no room.',
    () => counts.receiptsDropped
  )
  metrics.counter('mailbox_corrupt_total', 'Stored rows that were set aside.', corrupt)
}
