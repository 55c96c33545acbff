import type { MailboxDelivery, WaitingMessage } from '../../protocols/index.ts'
import type { AttemptNote, StoredMessage, Topic } from '../stores/mailbox/types.ts'
import { timeOf } from '../stores/mailbox/ulid.ts'
import type { Lease } from './leases.ts'
import { decodeMeta } from './message-meta.ts'
import type { MailboxParts } from './parts.ts'
import { expiryOf } from './parts.ts'
import { placeOf } from './place.ts'
import { storeStatements } from './sending.ts'
import type { Receiver } from './topic-queue.ts'

/** What a receiver asks for. */
export interface Taking {
  readonly topic: Topic
  readonly most: number
  readonly mostBytes: number
  readonly visibilityMs: number
  /** False when the message is to be removed once it was written. */
  readonly isExplicit: boolean
  /** 0 for what there is now, undefined for as long as it takes. */
  readonly waitMs: number | undefined
  readonly signal: AbortSignal
  /** What a subscriber is ready to be sent: without it whatever is there. */
  readonly credit?: TakingCredit | undefined
  /** Told of each lease that is over, however it ended. */
  readonly onLeaseOver?: ((message: StoredMessage) => void) | undefined
}

export interface TakingCredit {
  /** How many of the foremost messages may leave now. */
  admits(messages: readonly StoredMessage[]): number
  /** Resolves when that may have changed. */
  changed(): Promise<void>
}

/** A message in a receiver's hands. */
export interface Taken {
  readonly message: StoredMessage
  readonly lease: Lease
}

/**
 * The foremost messages of a topic, leased, their attempts counted where a crash would not forget it. None when the time
 * is over, the signal aborts, or the node drains.
 */
export async function take(parts: MailboxParts, taking: Taking): Promise<readonly Taken[]> {
  const taken = await stand(parts, taking)
  if (taken.length === 0) return taken
  // Also without a lease that is shown: a message that the node dies of is to be tried a bounded number of times.
  await noted(parts, taken)
  if (taking.signal.aborted) {
    release(parts, taken)
    return []
  }
  for (const { lease } of taken) if (lease.attempt > 1) parts.counts.redelivered++
  return taken
}

async function noted(parts: MailboxParts, taken: readonly Taken[]): Promise<void> {
  const notes = taken.map(({ message, lease }): AttemptNote => ({
    place: placeOf(message),
    attempts: lease.attempt,
    history: message.history
  }))
  try {
    await parts.store.noteAttempts(notes)
  } catch (error) {
    release(parts, taken)
    throw error
  }
}

/** Stands in line until it is served, the time is over, or nobody waits for it any more. */
function stand(parts: MailboxParts, taking: Taking): Promise<readonly Taken[]> {
  const { topic, most, mostBytes, waitMs, signal, credit } = taking
  if (signal.aborted) return Promise.resolve([])
  return new Promise((resolve, reject) => {
    let isOver = false
    const over = (end: () => void): void => {
      isOver = true
      if (timer !== undefined) parts.clearTimer(timer)
      signal.removeEventListener('abort', leave)
      end()
    }
    const leave = (): void => {
      if (parts.queues.drop(topic, receiver)) over(() => resolve([]))
    }
    const receiver: Receiver = {
      most,
      mostBytes,
      waits: waitMs !== 0,
      ...(credit && { admits: messages => credit.admits(messages) }),
      give: messages => over(() => resolve(messages.map(message => lease(parts, taking, message)))),
      nothing: () => over(() => resolve([])),
      fail: error => over(() => reject(error as Error))
    }
    const timer = waitMs === undefined || waitMs === 0 ? undefined : parts.setTimer(leave, waitMs)
    signal.addEventListener('abort', leave, { once: true })
    const watch = async (changed: TakingCredit['changed']): Promise<void> => {
      for (;;) {
        await changed()
        if (isOver) return
        parts.queues.serve(topic)
      }
    }
    parts.queues.add(topic, receiver)
    if (credit !== undefined) void watch(() => credit.changed())
  })
}

function lease(parts: MailboxParts, taking: Taking, message: StoredMessage): Taken {
  const { onLeaseOver } = taking
  const { receipt, bounce } = decodeMeta(message.meta)
  return {
    message,
    lease: parts.leases.give(message, {
      attempt: message.attempts + 1,
      deadlineMs: parts.steady() + taking.visibilityMs,
      bytes: message.bytes,
      asksForReceipts: receipt !== undefined || bounce === true,
      onOver: onLeaseOver && (() => onLeaseOver(message))
    })
  }
}

/** Puts messages back that did not leave; the attempt does not count. */
export function release(parts: MailboxParts, taken: readonly Taken[]): void {
  const held = taken.filter(
    ({ lease: { isEnding, place }, lease: one }) => !isEnding && parts.leases.find(place, place.id) === one
  )
  if (held.length === 0) return
  for (const { message, lease: one } of held) {
    parts.leases.end(one)
    parts.queues.added(message, () => message)
    if (message.expiresAtMs !== undefined) parts.dueAt(message.expiresAtMs)
  }
  const notes = held.map(({ message }): AttemptNote => ({
    place: placeOf(message),
    attempts: message.attempts,
    history: message.history
  }))
  // At worst an attempt counts that was none.
  parts.store.noteAttempts(notes).catch(() => undefined)
}

/** Deliveries were written to their stream: senders who want to know are told, and what needs no word is removed. */
export async function written(
  parts: MailboxParts,
  taken: readonly Taken[],
  isExplicit: boolean
): Promise<void> {
  const told = taken.filter(({ lease: { asksForReceipts } }) => asksForReceipts)
  if (told.length > 0) await tellDelivered(parts, told)
  if (!isExplicit) await removeWritten(parts, taken)
}

async function tellDelivered(parts: MailboxParts, taken: readonly Taken[]): Promise<void> {
  const changes = taken
    .filter(({ lease: { attempt } }) => attempt === 1)
    .flatMap(({ message }) =>
      parts.statements.about(message, decodeMeta(message.meta), 'delivered', parts.now())
    )
  if (changes.length > 0) await storeStatements(parts, changes)
}

async function removeWritten(parts: MailboxParts, taken: readonly Taken[]): Promise<void> {
  const { leases, queues, store } = parts
  const held = taken.filter(({ lease: one }) => !one.isEnding)
  if (held.length === 0) return
  for (const { lease: one } of held) one.isEnding = true
  try {
    await store.commit(held.map(({ message }) => ({ do: 'remove', place: placeOf(message) })))
  } catch (error) {
    for (const { lease: one } of held) leases.resume(one)
    throw error
  }
  for (const { lease: one } of held) {
    leases.end(one)
    queues.removed(one.place)
  }
}

const shown = (parts: MailboxParts, message: StoredMessage) => {
  const { e2e, comp, auto, attrs, replyTopic, origin } = decodeMeta(message.meta)
  return {
    msg_id: message.id,
    topic: message.topic,
    priority: message.priority,
    sent_at: timeOf(message.id),
    expires_at: expiryOf(message, parts.rules),
    ...(attrs && { attrs }),
    ...(replyTopic !== undefined && { reply_topic: replyTopic }),
    ...(auto && { auto }),
    ...(e2e && { e2e }),
    ...(comp && { comp }),
    ...(origin && { origin }),
    body: message.body
  }
}

/** By the clock that a receiver may compare with its own. */
const deadlineOf = ({ now, steady }: MailboxParts, { deadlineMs }: Lease): number =>
  now() + deadlineMs - steady()

/** A message as a receiver gets it. */
export const deliveryOf = (parts: MailboxParts, taken: Taken, isExplicit: boolean): MailboxDelivery => {
  const { message, lease: one } = taken
  return {
    ...shown(parts, message),
    attempt: one.attempt,
    ...(isExplicit && { lease: parts.leases.token(one), deadline: deadlineOf(parts, one) })
  }
}

/** A message as it is shown to who only looks. */
export const waitingOf = (parts: MailboxParts, message: StoredMessage): WaitingMessage => ({
  ...shown(parts, message),
  attempts: message.attempts,
  ...(message.notBeforeMs !== undefined && { not_before: message.notBeforeMs })
})
