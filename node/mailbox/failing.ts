import type { AttemptNote, Change, StoredMessage } from '../stores/mailbox/types.ts'
import { afterFailure } from './attempts.ts'
import type { AfterFailure } from './attempts.ts'
import type { Lease } from './leases.ts'
import { addToHistory, decodeMeta, encodeMeta } from './message-meta.ts'
import type { HistoryEntry } from './message-meta.ts'
import type { MailboxParts } from './parts.ts'
import { expiryOf } from './parts.ts'
import { placeOf } from './place.ts'
import { slices } from './slices.ts'
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

/**
 * Ends leases whose attempt failed; each is marked as ending already. Resolves once what follows would survive a power cut. What
 * cannot be stored of one message hinders no other: its lease lives on, or passes again, and in the end this rejects.
 */
export async function failAll(
  parts: MailboxParts,
  leases: readonly Lease[],
  failure: Failure
): Promise<void> {
  const errors: unknown[] = []
  for (const some of slices(leases)) errors.push(...(await failSome(parts, some, failure)))
  if (errors.length > 0) throw errors[0]
}

/** Yields what hindered it. */
async function failSome(
  parts: MailboxParts,
  leases: readonly Lease[],
  failure: Failure
): Promise<readonly unknown[]> {
  const plans = leases.map(async lease =>
    planOf(parts, lease, await parts.store.find(lease.place, lease.place.id), failure)
  )
  const notes = (await Promise.allSettled(plans)).flatMap(plan =>
    plan.status === 'fulfilled' ? (plan.value.note ?? []) : []
  )
  const noted = notes.length > 0 ? parts.store.noteAttempts(notes) : Promise.resolve()
  const ends = await Promise.allSettled(
    plans.map(async planned => {
      const plan = await planned
      if (plan.note !== undefined) await noted
      // Each message by itself: a commit of many large ones would be longer than one may be.
      if (plan.changes.length > 0) await store(parts, plan.changes)
      carryOut(parts, plan)
    })
  )
  return ends.flatMap((end, n) => {
    if (end.status === 'fulfilled') return []
    parts.leases.resume(leases[n]!)
    return [end.reason as unknown]
  })
}

async function store(parts: MailboxParts, changes: readonly Change[]): Promise<void> {
  const outcomes = await parts.store.commit(changes)
  for (const [n, change] of changes.entries())
    if (change.do === 'append') announce(parts, change.message, outcomes[n])
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
