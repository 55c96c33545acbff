import { randomBytes } from 'node:crypto'
import { DIRECTED_REFUSALS, RECEIPT_REFUSALS } from '../../federation/index.ts'
import type { DirectedRefusal, ReceiptRefusal } from '../../federation/index.ts'
import { OapError, clampRetryAfter } from '../../protocols/index.ts'
import type { Allowlist } from '../allowlist/index.ts'
import { auditEvent } from '../audit/index.ts'
import { Arrivals, DirectedSends, Outbox } from '../directed/index.ts'
import type { Arrival } from '../directed/index.ts'
import { BucketTable } from '../guards/bucket-table.ts'
import type { NodeSigners } from '../identity/index.ts'
import { thisMoment } from '../links/index.ts'
import type { LiveLink } from '../links/index.ts'
import type { Directing } from '../mailbox/index.ts'
import type { Acceptance } from '../policy/index.ts'
import type { NodeAudit } from './audit.ts'
import type { NodeBase } from './base.ts'
import type { Rights } from './capabilities.ts'
import type { Identity } from './identity.ts'
import type { NodeLinks } from './links.ts'
import type { NodeMailbox } from './mailbox.ts'
import type { NodePeerKeys } from './peer-keys.ts'

const NOTHING = new Uint8Array()
const TICK_MS = 250
/** How long a message waits until the keys of its hub have been read over a link that is new. */
const KEYS_MS = 2000
const FORGET_EVERY_MS = 600_000
/** As many as may be on an allowlist. */
const MOST_HUBS = 1024
/** Entries in the audit log about what one hub sent and was refused; the rest is counted. */
const RECORDED = { burst: 60, perSecond: 0.1 }

/** Messages from this hub to one other, and from others to this one. */
export interface NodeDirected {
  readonly directing: Directing
  /** What waits for a hub. */
  readonly waiting: Outbox['waiting']
  /** For the operator's overview. */
  readonly standing: () => { readonly outbox_messages?: number }
  /** Begins to send what waits, and to take what comes. */
  open(mailbox: Pick<NodeMailbox, 'current' | 'ifOpen'>): void
}

export interface DirectedPlace {
  readonly audit: NodeAudit
  readonly rights: Pick<Rights, 'capabilities' | 'seconds'>
  readonly allowlist: Allowlist
  readonly peerKeys: Pick<NodePeerKeys, 'known'>
  readonly links: Pick<NodeLinks, 'live' | 'over' | 'keysRead'>
  readonly signers: NodeSigners
  readonly acceptance: Acceptance
}

/** Prepares directed messages; nothing goes or comes before the mailbox is there. */
export function openDirected(
  { log, metrics, started }: NodeBase,
  { keys }: Identity,
  {
    audit,
    rights: { capabilities, seconds },
    allowlist,
    peerKeys: { known },
    links: { live: links, over, keysRead },
    signers,
    acceptance
  }: DirectedPlace
): NodeDirected {
  const allowed = (hub: string) => {
    const entry = allowlist.get(hub)
    return entry === undefined || allowlist.isOver(entry) ? undefined : entry.treaty
  }
  const attempted = metrics.counters(
    'outbox_attempts_total',
    'Deliveries of directed messages to other hubs, by how they ended.',
    'outcome',
    ['delivered', 'refused', 'failed']
  )
  const came = metrics.counters(
    'directed_messages_total',
    'Directed messages that other hubs brought, by what became of them.',
    'outcome',
    ['stored', 'quarantined', 'repeated']
  )
  const countRefused = metrics.counters(
    'directed_refused_total',
    'Directed messages of other hubs that were not taken, by code.',
    'code',
    Object.keys(DIRECTED_REFUSALS) as DirectedRefusal[]
  )
  const recorded = new BucketTable(MOST_HUBS)
  const refused = async (hub: string, code: DirectedRefusal, id: string | undefined): Promise<void> => {
    countRefused(code)
    const { ms } = thisMoment()
    if (recorded.get(hub, RECORDED, ms).take(1, ms) > 0) return
    await audit.append(auditEvent('directed_refused', 'node', { hub, code, ...(id && { id_sha256: id }) }))
  }
  const countReceipt = metrics.counters(
    'directed_receipts_refused_total',
    'What other hubs answered as the receipt of a message and is none, by why.',
    'reason',
    RECEIPT_REFUSALS
  )
  const receiptsRecorded = new BucketTable(MOST_HUBS)
  const noReceipt = (hub: string, code: ReceiptRefusal, id: string): void => {
    countReceipt(code)
    const { ms } = thisMoment()
    if (receiptsRecorded.get(hub, RECORDED, ms).take(1, ms) > 0) return
    audit
      .append(auditEvent('receipt_refused', 'node', { hub, code, id_sha256: id }))
      .catch((err: unknown) => {
        log.warn({ event: 'AuditMissed', hub, err }, 'a receipt that is none could not be recorded')
      })
  }
  let mailbox: Pick<NodeMailbox, 'current' | 'ifOpen'> | undefined
  const outbox: Outbox = new Outbox({
    mailbox: () => mailbox?.ifOpen(),
    treatyOf: hub => allowlist.get(hub)?.treaty,
    callerOf: hub => (known.quarantine(hub) === undefined ? links.of(hub)?.caller : undefined),
    bookOf: hub => known.book(hub),
    seconds,
    steadyMs: () => thisMoment().ms,
    random: Math.random,
    attempted,
    noReceipt,
    log
  })
  const arrivals = new Arrivals({
    self: keys.hubId,
    mailbox: () => {
      if (mailbox !== undefined) return mailbox.current()
      throw new OapError('not_ready', 'the mailbox is not open')
    },
    treatyOf: allowed,
    isTenant: tenant => capabilities.isActive(tenant),
    bookOf: hub => known.book(hub),
    signers,
    acceptance,
    seconds,
    came,
    refused
  })
  const calls = new BucketTable(MOST_HUBS)
  const bytes = new BucketTable(MOST_HUBS)
  const admit = (hub: string, length: number): void => {
    const quotas = allowed(hub)?.quotas
    if (quotas === undefined) return
    const { calls_per_s, bytes_per_s } = quotas
    const { ms } = thisMoment()
    const waitMs =
      calls.get(`${hub} ${calls_per_s}`, { burst: calls_per_s, perSecond: calls_per_s }, ms).take(1, ms) ||
      bytes.get(`${hub} ${bytes_per_s}`, { burst: bytes_per_s, perSecond: bytes_per_s }, ms).take(length, ms)
    if (waitMs > 0)
      throw new OapError('quota_capability', 'more messages than the treaty lets this hub send', {
        retryAfterMs: clampRetryAfter(waitMs)
      })
  }
  /** A key that was revoked while this hub was away signs nothing that is taken now. Throws `not_ready`. */
  const current = async (link: LiveLink): Promise<void> => {
    const late = Promise.withResolvers<never>()
    const timer = setTimeout(() => {
      late.reject(new OapError('not_ready', 'the keys of the sending hub have not been read yet'))
    }, KEYS_MS).unref()
    try {
      await Promise.race([keysRead(link), late.promise])
    } finally {
      clearTimeout(timer)
    }
  }
  const take = async (arrival: Arrival): Promise<string> => {
    if (known.quarantine(arrival.origin) !== undefined)
      throw new OapError('cap_denied', 'the link is in quarantine until the operator decides', {
        reason: 'quarantine'
      })
    admit(arrival.origin, arrival.line.length + arrival.body.length)
    return arrivals.take(arrival)
  }
  const waiting = (): number => outbox.hubs.reduce((sum, hub) => sum + outbox.waiting(hub).messages, 0)
  metrics.gauge('outbox_messages', 'Directed messages that wait for another hub.', waiting)
  const sends = new DirectedSends({
    signers,
    treatyOf: allowed,
    theirs: hub => links.theirs(hub),
    random: randomBytes,
    queued: (tenant, hub) => outbox.queued(tenant, hub)
  })
  return {
    directing: sends,
    waiting: hub => outbox.waiting(hub),
    standing: () => {
      const messages = waiting()
      return messages === 0 ? {} : { outbox_messages: messages }
    },
    open(opened) {
      mailbox = opened
      over.serve({
        deliver: async ({ statement: line, body = NOTHING }, link) => {
          await current(link)
          return { receipt: await take({ origin: link.hub, line, body }) }
        }
      })
      started.defer(
        links.onChange(({ hub, end }) => {
          if (end === undefined) outbox.linked(hub)
        })
      )
      const forget = (): void => {
        if (opened.ifOpen() === undefined) return
        arrivals.forget().catch((err: unknown) => {
          log.warn({ event: 'LedgerNotSwept', err }, 'what came long ago is forgotten later')
        })
      }
      const ticks = setInterval(() => outbox.tick(), TICK_MS).unref()
      const forgets = setInterval(forget, FORGET_EVERY_MS).unref()
      started.defer(async () => {
        clearInterval(ticks)
        clearInterval(forgets)
        await outbox.stop()
      })
    }
  }
}
