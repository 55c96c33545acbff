import { MAILBOX_LIMITS, OapError } from '../../protocols/index.ts'
import type { Note, Topic } from '../stores/mailbox/types.ts'
import { encodeMeta } from './message-meta.ts'
import type { MessageMeta } from './message-meta.ts'
import type { MailboxParts } from './parts.ts'
import { mailboxFull } from './quota.ts'
import { announce } from './storing.ts'

/** A message of another hub. */
export interface Incoming extends Topic, Pick<MessageMeta, 'attrs' | 'e2e' | 'comp' | 'origin'> {
  readonly body: Uint8Array
  /** 0 to 9. */
  readonly priority?: number | undefined
  /** Unix ms; without it the retention of the topic. */
  readonly expiresAtMs?: number | undefined
  /** By which it is known that it came. */
  readonly note: Note
}

export type TakenIn =
  | { readonly is: 'stored'; readonly msgId: string }
  /** Its note is there: nothing was stored. */
  | { readonly is: 'known'; readonly value: Uint8Array }

/**
 * Stores a message of another hub with its note, both or none; where a note that is to be new is known, nothing. Resolves
 * once that would survive a power cut. @throws OapError `mailbox_full`, `saturated`; what the store throws
 */
export async function takeIn(parts: MailboxParts, incoming: Incoming): Promise<TakenIn> {
  const { tenant, topic, body, priority = MAILBOX_LIMITS.priorityDefault, expiresAtMs, note } = incoming
  const { attrs, e2e, comp, origin } = incoming
  const { depth, retentionMs } = parts.rules.of(topic)
  const bounds = { depth, tenantBytes: parts.tenantBytes }
  const endsMs = expiresAtMs && Math.min(expiresAtMs, parts.now() + retentionMs)
  const meta = encodeMeta({ attrs, e2e, comp, origin })
  const message = { tenant, topic, priority, meta, body, bounds, expiresAtMs: endsMs }
  const [kept, noted] = await parts.store.commit([
    { do: 'append', message },
    { do: 'note', note }
  ])
  if (noted?.is === 'known') return { is: 'known', value: noted.value! }
  if (kept?.is === 'full') throw mailboxFull(kept.of, bounds, parts.leases.countOf({ tenant, topic }) > 0)
  if (kept?.is !== 'done') throw new OapError('internal', `a message was ${kept?.is ?? 'lost'} on its way in`)
  announce(parts, message, kept)
  return { is: 'stored', msgId: kept.id! }
}
