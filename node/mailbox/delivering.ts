import { OapError } from '../../protocols/index.ts'
import { isDiskFull } from '../stores/disk-full.ts'
import type { Beside, NewMessage, Topic } from '../stores/mailbox/types.ts'
import { encodeMeta } from './message-meta.ts'
import type { MessageMeta, Origin } from './message-meta.ts'
import type { MailboxParts } from './parts.ts'
import { mailboxFull } from './quota.ts'
import { announce } from './storing.ts'

/** A message that came from another hub, judged and verified. */
export interface Delivered extends Topic, Pick<MessageMeta, 'attrs' | 'e2e' | 'comp'> {
  readonly priority: number
  readonly body: Uint8Array
  readonly origin: Origin
  /** Unix ms. */
  readonly notBeforeMs: number | undefined
  /** Unix ms. */
  readonly expiresAtMs: number | undefined
  /** What says that it came. */
  readonly beside: Beside
}

/** Stores it for the consumers of its topic here; within the bounds of the topic and of the tenant, as if it were sent. */
export async function deliverShared(parts: MailboxParts, delivered: Delivered): Promise<void> {
  const { failure } = parts.store
  if (failure !== undefined) throw new OapError(isDiskFull(failure) ? 'disk_full' : 'not_ready')
  const message = newMessage(parts, delivered)
  const [outcome] = await parts.store.commit([{ do: 'append', message }])
  if (outcome?.is === 'full')
    throw mailboxFull(outcome.of, message.bounds!, parts.queues.isAwaited(delivered))
  announce(parts, message, outcome)
}

function newMessage(parts: MailboxParts, delivered: Delivered): NewMessage {
  const { tenant, topic, priority, body, attrs, e2e, comp, origin, beside } = delivered
  const latest = parts.now() + parts.rules.of(topic).retentionMs
  const { notBeforeMs, expiresAtMs } = delivered
  const isLate = notBeforeMs !== undefined && notBeforeMs > parts.now()
  return {
    tenant,
    topic,
    priority,
    meta: encodeMeta({ attrs, e2e, comp, origin }),
    body,
    ...(isLate && { notBeforeMs: Math.min(notBeforeMs, latest) }),
    ...((isLate || expiresAtMs !== undefined) && { expiresAtMs: Math.min(expiresAtMs ?? latest, latest) }),
    goesSoon: parts.queues.has(delivered),
    bounds: { depth: parts.rules.of(topic).depth, tenantBytes: parts.tenantBytes },
    beside
  }
}
