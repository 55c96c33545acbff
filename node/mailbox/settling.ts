import type { Change, Topic } from '../stores/mailbox/types.ts'
import { backoffMs } from './attempts.ts'
import { failAll } from './failing.ts'
import type { Lease, LeaseRefusal } from './leases.ts'
import { decodeMeta } from './message-meta.ts'
import type { MailboxParts } from './parts.ts'
import { slices } from './slices.ts'
import { announce } from './storing.ts'

/** What a receiver names when it settles a message. */
export interface LeaseItem {
  readonly msg_id: string
  readonly lease: string
}

export interface ItemResult {
  readonly msg_id: string
  /** 0, or 409 with its code. */
  readonly status: number
  readonly code?: LeaseRefusal
  readonly deadline?: number
}

const CONFLICT = 409

type Judged = readonly (readonly [LeaseItem, Lease | LeaseRefusal])[]

/** Removes what was worked off; resolves once that would survive a power cut. */
export async function ack(
  parts: MailboxParts,
  topic: Topic,
  items: readonly LeaseItem[]
): Promise<ItemResult[]> {
  const judged = judge(parts, topic, items)
  const leases = living(judged)
  if (leases.length > 0) await removeAcked(parts, leases)
  return judged.map(result)
}

async function removeAcked(parts: MailboxParts, leases: readonly Lease[]): Promise<void> {
  for (const lease of leases) lease.isEnding = true
  try {
    const receipts = await ackReceipts(parts, leases)
    const removals = leases.map(({ place }): Change => ({ do: 'remove', place }))
    const outcomes = await parts.store.commit([...removals, ...receipts])
    for (const lease of leases) {
      parts.leases.end(lease, { acked: true })
      parts.queues.removed(lease.place)
    }
    for (const [n, { message }] of receipts.entries()) announce(parts, message, outcomes[removals.length + n])
  } catch (error) {
    for (const lease of leases) parts.leases.resume(lease)
    throw error
  }
}

async function ackReceipts(
  parts: MailboxParts,
  leases: readonly Lease[]
): Promise<Extract<Change, { do: 'append' }>[]> {
  const asking = leases.filter(({ asksForReceipts }) => asksForReceipts)
  if (asking.length === 0) return []
  const receipts = []
  for (const some of slices(asking)) {
    const found = await Promise.all(some.map(({ place }) => parts.store.find(place, place.id)))
    for (const message of found) {
      if (message === undefined) continue
      receipts.push(...parts.statements.about(message, decodeMeta(message.meta), 'acked', parts.now()))
    }
  }
  return receipts
}

export interface NackOptions {
  readonly delayMs?: number | undefined
  readonly reason?: string | undefined
}

/** Gives messages back, each after its delay; resolves once the delay would survive a power cut. */
export async function nack(
  parts: MailboxParts,
  topic: Topic,
  items: readonly LeaseItem[],
  { delayMs, reason }: NackOptions
): Promise<ItemResult[]> {
  const judged = judge(parts, topic, items)
  const leases = living(judged)
  for (const lease of leases) lease.isEnding = true
  await failAll(parts, leases, {
    outcome: 'nacked',
    reason,
    delayMs: ({ attempt }) => delayMs ?? backoffMs(attempt, parts.random)
  })
  return judged.map(result)
}

/** Gives leases a new life from now on. */
export function extend(
  parts: MailboxParts,
  topic: Topic,
  items: readonly LeaseItem[],
  visibilityMs: number
): ItemResult[] {
  const deadlineMs = parts.steady() + visibilityMs
  const deadline = parts.now() + visibilityMs
  return judge(parts, topic, items).map(one => {
    const [, lease] = one
    if (typeof lease === 'string') return result(one)
    parts.leases.extend(lease, deadlineMs)
    return { ...result(one), deadline }
  })
}

/** Each lease once: the second of two same items finds it ended. */
function judge({ leases, steady }: MailboxParts, topic: Topic, items: readonly LeaseItem[]): Judged {
  const seen = new Set<Lease>()
  const nowMs = steady()
  return items.map(item => {
    const lease = leases.judge(topic, item.msg_id, item.lease, nowMs)
    if (typeof lease === 'string') return [item, lease]
    if (seen.has(lease)) return [item, 'lease_expired']
    seen.add(lease)
    return [item, lease]
  })
}

const living = (judged: Judged): Lease[] =>
  judged.flatMap(([, lease]) => (typeof lease === 'string' ? [] : [lease]))

const result = ([{ msg_id }, lease]: Judged[number]): ItemResult =>
  typeof lease === 'string' ? { msg_id, status: CONFLICT, code: lease } : { msg_id, status: 0 }
