import type { AttemptNote, Change, StoredMessage } from '../stores/mailbox/types.ts'
import { afterFailure } from './attempts.ts'
import type { AfterFailure } from './attempts.ts'
import type { Lease } from './leases.ts'
import { addToHistory, decodeMeta, encodeMeta } from './message-meta.ts'
import type { HistoryEntry } from './message-meta.ts'
import type { MailboxParts } from './parts.ts'
import { expiryOf } from './parts.ts'
import { placeOf } from './place.ts'
import { announce } from './storing.ts'

export interface Failure {
  readonly outcome: HistoryEntry['outcome']
  readonly reason?: string | undefined
  /** Undefined: ready at once. */
  readonly delayMs?: ((lease: Lease) => number) | undefined
}

/** What becomes of one message, and how the store is told. */
interface Plan {
  readonly lease: Lease
  readonly fate: AfterFailure['is'] | 'gone'
  readonly changes: readonly Change[]
  readonly note?: AttemptNote
  readonly dueMs?: number
}

/** Three changes a message at most, 1024 a commit. */
const AT_ONCE = 256

/** Ends leases whose attempt failed; each is marked as ending already. Resolves once what follows would survive a power cut. */
export async function failAll(
  parts: MailboxParts,
  leases: readonly Lease[],
  failure: Failure
): Promise<void> {
  for (let at = 0; at < leases.length; at += AT_ONCE) {
    const some = leases.slice(at, at + AT_ONCE)
    try {
      await failSome(parts, some, failure)
    } catch (error) {
      for (const lease of leases.slice(at)) parts.leases.resume(lease)
      throw error
    }
  }
}

async function failSome(parts: MailboxParts, leases: readonly Lease[], failure: Failure): Promise<void> {
  const messages = await Promise.all(leases.map(({ place }) => parts.store.find(place, place.id)))
  const plans = leases.map((lease, n) => planOf(parts, lease, messages[n], failure))
  const notes = plans.flatMap(({ note }) => note ?? [])
  const changes = plans.flatMap(plan => plan.changes)
  if (notes.length > 0) await parts.store.noteAttempts(notes)
  const outcomes = changes.length > 0 ? await parts.store.commit(changes) : []
  for (const [n, change] of changes.entries())
    if (change.do === 'append') announce(parts, change.message, outcomes[n])
  for (const plan of plans) carryOut(parts, plan)
  parts.queues.serveAll()
}

function carryOut({ leases, queues, counts, dueAt }: MailboxParts, { lease, fate, dueMs }: Plan): void {
  leases.end(lease)
  if (dueMs !== undefined) dueAt(dueMs)
  if (fate === 'return') return queues.exposed(lease.place, lease.place)
  queues.removed(lease.place)
  if (fate === 'bury') counts.dead++
  if (fate === 'expire') counts.expired++
}

function planOf(
  parts: MailboxParts,
  lease: Lease,
  message: StoredMessage | undefined,
  { outcome, reason, delayMs }: Failure
): Plan {
  if (message === undefined) return { lease, fate: 'gone', changes: [] }
  const now = parts.now()
  const { attempt } = lease
  const entry: HistoryEntry = { attempt, at: now, outcome, ...(reason !== undefined && { reason }) }
  const failed = { attempts: attempt, history: addToHistory(message.history, entry) }
  const after = afterFailure({
    attempt,
    mostAttempts: parts.rules.of(message.topic).maxAttempts,
    now,
    expiresAtMs: expiryOf(message, parts.rules),
    delayMs: delayMs?.(lease)
  })
  const place = placeOf(message)
  if (after.is === 'return') return { lease, fate: 'return', changes: [], note: { place, ...failed } }
  if (after.is === 'postpone') {
    const { untilMs } = after
    const change: Change = { do: 'postpone', place, notBeforeMs: untilMs, ...failed }
    return { lease, fate: 'postpone', changes: [change], dueMs: untilMs }
  }
  if (after.is === 'expire') return { lease, fate: 'expire', changes: expiring(parts, message, now) }
  const dueMs = now + parts.rules.of(message.topic).deadRetentionMs
  return { lease, fate: 'bury', changes: burying(parts, message, failed, now), dueMs }
}

/** Takes an expired message away, and tells its sender if that was asked for. */
export function expiring(parts: MailboxParts, message: StoredMessage, now: number): Change[] {
  return [
    { do: 'remove', place: placeOf(message) },
    ...parts.statements.about(message, decodeMeta(message.meta), 'expired', now)
  ]
}

function burying(
  parts: MailboxParts,
  message: StoredMessage,
  failed: { readonly attempts: number; readonly history: Uint8Array },
  now: number
): Change[] {
  const meta = decodeMeta(message.meta)
  const place = placeOf(message)
  const { deadLetterTopic, deadRetentionMs } = parts.rules.of(message.topic)
  const bounce = parts.statements.about(message, meta, 'dead', now)
  if (deadLetterTopic === undefined) {
    const expiresAtMs = now + deadRetentionMs
    return [{ do: 'bury', place, ...failed, reason: 'attempts', expiresAtMs }, ...bounce]
  }
  const attrs = {
    ...meta.attrs,
    dead_topic: message.topic,
    dead_msg_id: message.id,
    dead_attempts: String(failed.attempts)
  }
  const { tenant, priority, body } = message
  const moved = { tenant, topic: deadLetterTopic, priority, body }
  return [
    // Its sender hears of it once, from here.
    {
      do: 'append',
      message: { ...moved, meta: encodeMeta({ ...meta, attrs, receipt: undefined, bounce: undefined }) }
    },
    { do: 'remove', place },
    ...bounce
  ]
}
