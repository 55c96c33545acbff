import type { Change, MailboxStore, Topic } from '../stores/mailbox/types.ts'
import { hubOfOutbox, isOutbox } from './directing.ts'
import { decodeMeta } from './message-meta.ts'
import type { MailboxParts } from './parts.ts'
import { placeOf } from './place.ts'
import type { Taken } from './receiving.ts'
import { announce } from './storing.ts'

/** What the sender of a directed message is told at its end. */
export type LastWord =
  /** What the other hub has signed, as it is kept. */
  | { readonly receipt: string; readonly id: string }
  /** The code for which it never went. */
  | { readonly refused: string; readonly id: string }

/**
 * Takes a message out of the outbox and tells its sender, in one step. Resolves once that would survive a power cut; nothing
 * where the lease is over.
 */
export async function finish(parts: MailboxParts, { message, lease }: Taken, word: LastWord): Promise<void> {
  if (lease.isEnding || parts.leases.find(lease.place, lease.place.id) !== lease) return
  lease.isEnding = true
  const changes: readonly Change[] = [
    { do: 'remove', place: placeOf(message) },
    ...wordFor(parts, message, word)
  ]
  try {
    const outcomes = await parts.store.commit(changes)
    parts.leases.end(lease)
    parts.queues.removed(lease.place)
    for (const [n, change] of changes.entries())
      if (change.do === 'append') announce(parts, change.message, outcomes[n])
  } catch (error) {
    parts.leases.resume(lease)
    throw error
  }
}

function wordFor(
  { statements, now }: MailboxParts,
  message: Taken['message'],
  word: LastWord
): readonly Change[] {
  const meta = decodeMeta(message.meta)
  const more = { msg_id: message.id, id: word.id }
  if ('refused' in word)
    return statements.about(message, meta, 'refused', now(), { reason: word.refused, attrs: more })
  return statements.ofOther(message, meta, Buffer.from(word.receipt), more)
}

/** Which tenants have messages for which hubs, in whatever state. */
export async function outboxes(
  store: Pick<MailboxStore, 'topics'>
): Promise<readonly { readonly tenant: string; readonly hub: string }[]> {
  const found: { readonly tenant: string; readonly hub: string }[] = []
  for (let after: Topic | undefined; ;) {
    const [next] = await store.topics({ limit: 1, ...(after && { after }) })
    if (next === undefined) return found
    const { tenant, topic } = next
    if (isOutbox(topic)) found.push({ tenant, hub: hubOfOutbox(topic) })
    // Outboxes stand before all other topics of their tenant.
    after = isOutbox(topic) ? { tenant, topic } : { tenant, topic: BEHIND_ALL }
  }
}

const BEHIND_ALL = '~'.repeat(255)
