import type { NewMessage, Outcome, StoredMessage } from '../stores/mailbox/types.ts'
import type { MailboxParts } from './parts.ts'
import { NO_HISTORY } from './message-meta.ts'
import { sizeOf } from '../stores/mailbox/room.ts'

/** Tells receivers of a message that a commit has stored; counts a receipt or bounce for which there was no room. */
export function announce(parts: MailboxParts, message: NewMessage, outcome: Outcome | undefined): void {
  if (outcome?.is === 'full') parts.counts.receiptsDropped++
  if (outcome?.is !== 'done' || outcome.id === undefined) return
  const { id } = outcome
  const { notBeforeMs, expiresAtMs } = message
  if (notBeforeMs !== undefined) parts.dueAt(notBeforeMs)
  if (expiresAtMs !== undefined) parts.dueAt(expiresAtMs)
  if (outcome.state === 'ready') parts.queues.added(message, () => stored(message, id))
}

/** As it is read from the store; its bytes are copied, since they are a view of what came in. */
function stored(message: NewMessage, id: string): StoredMessage {
  const { tenant, topic, priority, meta, body, notBeforeMs, expiresAtMs } = message
  return {
    tenant,
    topic,
    priority,
    id,
    meta,
    body: body.slice(),
    attempts: 0,
    history: NO_HISTORY,
    notBeforeMs,
    expiresAtMs,
    bytes: sizeOf(message)
  }
}
