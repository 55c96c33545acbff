import { SHARE_REFUSALS } from '../../federation/index.ts'
import { OapError } from '../../protocols/index.ts'
import type { Allowlist } from '../allowlist/index.ts'
import { auditEvent } from '../audit/index.ts'
import { signedAs } from '../identity/index.ts'
import type { NodeSigners } from '../identity/index.ts'
import { thisMoment } from '../links/index.ts'
import type { Mailbox, SharedSending } from '../mailbox/index.ts'
import type { Acceptance } from '../policy/index.ts'
import { Agreements, Announcing, Hearing, Refusals, ShareRows, Shares, twoIds } from '../shares/index.ts'
import type { Elsewhere, MessageSigner } from '../shares/index.ts'
import type { Level } from '../stores/level.ts'
import type { LevelMailboxStore } from '../stores/mailbox/index.ts'
import type { NodeAudit } from './audit.ts'
import type { NodeBase } from './base.ts'
import type { Rights } from './capabilities.ts'
import type { Identity } from './identity.ts'
import type { NodeLinks } from './links.ts'
import type { NodePeerKeys } from './peer-keys.ts'
import { SharesGossip } from './shares-gossip.ts'
import type { NodeWitness } from './witness.ts'

const TICK_MS = 250
const MISSING_TOLD_EVERY_MS = 60_000
/** The other hub has no word of shares, or is stopping. */
const EXPECTED: readonly string[] = [
  'unknown_operation',
  'session_lost',
  'draining',
  'not_ready',
  'cancelled'
]

/** The shared topics of a running node. */
export interface NodeShares {
  readonly shares: Shares
  readonly gossip: SharesGossip
  /** What a mailbox has over an open store; `closed` when that ends. */
  over(level: Level, messages: LevelMailboxStore): Promise<SharesOver>
}

export interface SharesOver {
  readonly sending: SharedSending
  readonly opened: (mailbox: Mailbox) => void
  readonly closed: () => void
}

export interface SharesPlace {
  readonly audit: NodeAudit
  readonly rights: Pick<Rights, 'capabilities' | 'seconds'>
  readonly allowlist: Allowlist
  readonly peerKeys: Pick<NodePeerKeys, 'known'>
  readonly links: Pick<NodeLinks, 'live' | 'over' | 'keysRead'>
  readonly signers: NodeSigners
  readonly acceptance: Acceptance
  /** Takes what is not for the mailbox. */
  readonly elsewhere: Elsewhere
  /** Where proof goes that a hub has signed two messages of one number. */
  readonly equivocations: Pick<NodeWitness['equivocations'], 'found'>
}

/** Shares topics with the hubs whose treaties say so. The mailbox reads what there is before it takes messages. */
export async function openShares(
  { config, log, metrics, started }: NodeBase,
  { keys }: Identity,
  place: SharesPlace
): Promise<NodeShares> {
  const { audit, allowlist, links, signers, acceptance, equivocations, elsewhere } = place
  const { capabilities, seconds } = place.rights
  const { known } = place.peerKeys
  const agreements = new Agreements({
    list: () => allowlist.list(),
    allowed: hub => {
      const entry = allowlist.get(hub)
      const isOut = entry === undefined || allowlist.isOver(entry) || known.quarantine(hub) !== undefined
      return isOut ? undefined : entry
    },
    theirs: hub => links.live.theirs(hub),
    isTenant: id => capabilities.isActive(id),
    nowS: seconds
  })
  const refused = metrics.counters(
    'shares_refused_total',
    'Messages and announcements of other hubs that were not taken.',
    'reason',
    SHARE_REFUSALS
  )
  const refusals = new Refusals({
    count: refused,
    record: (hub, code) =>
      void audit.append(auditEvent('share_refused', `hub:${hub}`, { hub, code })).catch((err: unknown) => {
        log.warn({ event: 'AuditMissed', hub, err }, 'what was refused of a share could not be recorded')
      }),
    nowMs: () => thisMoment().ms
  })
  let [sent, delivered] = [0, 0]
  let missingToldMs = -Infinity
  const needSigner = async (): Promise<void> => {
    if (agreements.isEmpty) return
    const found = await signers.of('message').catch((err: unknown) => {
      log.error({ event: 'MessageKeyDamaged', err }, 'nothing can be sent to shared topics')
      return undefined
    })
    if (found !== undefined) return
    const { ms } = thisMoment()
    if (ms < missingToldMs + MISSING_TOLD_EVERY_MS) return
    missingToldMs = ms
    const wayOut = 'nothing can be sent to shared topics; run key delegate --role message'
    log.warn({ event: 'MessageKeyMissing' }, wayOut)
  }
  const shares = new Shares({
    self: keys.hubId,
    agreements,
    acceptance,
    keysOf: hub => known.book(hub),
    signer: () => signerOf(signers),
    needSigner,
    refusals,
    now: () => ({ ms: thisMoment().ms, s: seconds() }),
    nowMs: () => Date.now(),
    stored: numbered => {
      sent += numbered.length
      announcing.add(numbered)
    },
    delivered: () => void delivered++,
    onEquivocation: (first, second) => {
      equivocations.found(twoIds(first, second, hub => known.book(hub))).catch((err: unknown) => {
        log.error({ event: 'ProofNotKept', err }, 'a hub has signed two messages of one number')
      })
    },
    failed: (hub, err) => {
      const isExpected = err instanceof OapError && EXPECTED.includes(err.counted)
      if (isExpected) log.debug({ event: 'ShareNotRead', hub, err }, 'a hub was not asked to the end')
      else log.info({ event: 'ShareNotRead', hub, err }, 'a hub did not give what it has in a share')
    },
    sweepFailed: err => log.warn({ event: 'ShareSweepFailed', err }, 'old messages of shares stay for now'),
    renewed: share =>
      log.warn({ event: 'ShareSeries', share }, 'this store is older than its hub: numbers begin anew'),
    elsewhere
  })
  const hubOf = (peer: string): string | undefined =>
    links.live.all().find(link => link.peer.peer === peer)?.hub
  const hearing = new Hearing({
    self: keys.hubId,
    agreements,
    keysOf: hub => known.book(hub),
    refusals,
    now: () => ({ ms: thisMoment().ms, s: seconds() }),
    hubOf,
    announced: (name, { number, id }, from) => shares.announced(name, { number, id, from })
  })
  const gossip = new SharesGossip(
    config.federation.name,
    (peer, data) => hearing.hear(peer, data),
    peer => {
      const hub = hubOf(peer)
      if (hub === undefined) return
      shares.newest(hub).then(
        newest => announcing.add(newest),
        () => undefined
      )
    }
  )
  const announcing = new Announcing({
    signer: () => signerOf(signers),
    nowMs: () => Date.now(),
    ms: () => thisMoment().ms,
    publish: () => gossip.publish,
    after: (ms, run) => void setTimeout(run, ms).unref(),
    dropped: () => metrics.busDropped()
  })
  await needSigner()
  acceptance.onRelease('mailbox.shared', ({ statement, body }) =>
    shares.release(Buffer.from(statement).toString(), body)
  )
  const { serving } = shares
  links.over.serve({
    share_state: (asked, { hub }) => serving.state(hub, asked),
    share_pull: (asked, { hub }) => serving.pull(hub, asked)
  })
  started.defer(
    links.live.onChange(({ hub, link, end }) => {
      if (end !== undefined) return void shares.down(hub)
      // A key that was revoked while this hub was away signs nothing that is fetched now.
      void links.keysRead(link).then(() => {
        if (links.live.of(hub) === link) shares.up(link)
      })
    })
  )
  started.defer(
    allowlist.onChange(({ hub, change }) => {
      shares.review(hub, change === 'remove')
      void needSigner()
    })
  )
  started.defer(links.live.onAgreed(hub => shares.review(hub, false)))
  started.defer(known.onChange(({ hub }) => shares.review(hub, false)))
  const timer = setInterval(() => shares.tick(), TICK_MS).unref()
  started.defer(async () => {
    clearInterval(timer)
    await shares.stop()
  })
  const counts = () => shares.book?.counts() ?? { lag: 0, gap: 0 }
  metrics.counter('shares_sent_total', 'Messages that were numbered for other hubs.', () => sent)
  metrics.counter('shares_delivered_total', 'Messages of other hubs that were delivered.', () => delivered)
  metrics.gauge('shares_lag', 'Messages that other hubs have and this one has not.', () => counts().lag)
  metrics.gauge('shares_gap', 'Messages that were too old when they could be had.', () => counts().gap)
  return {
    shares,
    gossip,
    async over(level, messages) {
      const { book, sending } = await shares.read(new ShareRows(level), {
        commit: async beside => void (await messages.commit([{ do: 'beside', beside }])),
        log: audit.part?.log.origin,
        isCutShort: messages.opened.missing.length > 0,
        onDamaged: row => log.error({ event: 'ShareRowDamaged', row }, 'what was known of a share is damaged')
      })
      return {
        sending,
        opened: mailbox => shares.opened(book, mailbox),
        closed: () => shares.closed()
      }
    }
  }
}

function signerOf(signers: NodeSigners): MessageSigner | undefined {
  const signer = signers.known('message')
  if (signer === undefined) return undefined
  const { hub, key, epoch } = signedAs(signer)
  const { node, not_before: notBefore, not_after: notAfter } = signer.delegation.statement
  return { hub, publicKey: key, epoch, key: signer.secretKey.key, node, notBefore, notAfter }
}
