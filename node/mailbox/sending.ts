import { hash } from 'node:crypto'
import { MAILBOX_LIMITS, OapError } from '../../protocols/index.ts'
import type { MessageOptions } from '../../protocols/index.ts'
import type { Change, NewMessage, Topic } from '../stores/mailbox/types.ts'
import { encodeMeta } from './message-meta.ts'
import type { MessageMeta } from './message-meta.ts'
import type { MailboxParts } from './parts.ts'
import { COMMIT_CHANGES } from './parts.ts'
import { topicKey } from './place.ts'
import { quotaRefusal } from './quota.ts'
import { announce, bytesOf } from './storing.ts'

/** What a sender leaves, its form judged. */
export interface Outgoing extends MessageOptions, Topic {
  readonly body: Uint8Array
  readonly e2e?: boolean | undefined
  readonly comp?: boolean | undefined
}

export interface Sent {
  readonly msg_id: string
  readonly duplicate: boolean
}

const SECOND_MS = 1000

/**
 * Stores all messages or none, 1 to 1024; resolves once they would survive a power cut.
 * @throws OapError `mailbox_full`, `idem_conflict`, `bad_request`, `not_shared`, `body_oversize`, `saturated`.
 */
export async function sendAll(parts: MailboxParts, outgoing: readonly Outgoing[]): Promise<Sent[]> {
  const messages = outgoing.map(one => newMessage(parts, one))
  checkRoom(parts, messages)
  const outcomes = await parts.store.commit(messages.map((message): Change => ({ do: 'append', message })))
  if (outcomes.some(({ is }) => is === 'conflict'))
    throw new OapError('conflict', 'idem_key: it was used with another body', { code: 'idem_conflict' })
  for (const [n, message] of messages.entries()) announce(parts, message, outcomes[n])
  const sent = outcomes.map(({ is, id }) => ({ msg_id: id!, duplicate: is === 'duplicate' }))
  if (outgoing.some(({ receipt }) => receipt !== undefined)) await tellStored(parts, outgoing, messages, sent)
  return sent
}

function newMessage(parts: MailboxParts, one: Outgoing): NewMessage {
  const { tenant, topic, body, idem_key: key, priority = MAILBOX_LIMITS.priorityDefault } = one
  if (body.length > MAILBOX_LIMITS.bodyBytes)
    throw new OapError('body_oversize', `a body of ${body.length} bytes, at most ${MAILBOX_LIMITS.bodyBytes}`)
  if (one.to !== undefined) throw new OapError('not_shared', 'to: no treaty shares anything with this hub')
  return {
    tenant,
    topic,
    priority,
    meta: encodeMeta(metaOf(one)),
    body,
    ...timesOf(parts, one),
    ...(key !== undefined && { idem: { key, hash: hash('sha256', body, 'buffer') } })
  }
}

function metaOf({ attrs, bounce, receipt, reply_topic: replyTopic, body, e2e, comp }: Outgoing): MessageMeta {
  const wantsWord = receipt !== undefined || bounce === true
  if (wantsWord && replyTopic === undefined)
    throw new OapError('bad_request', 'reply_topic: receipts and bounces need one')
  if (comp === true && e2e !== true) throw new OapError('bad_request', 'comp: only with e2e')
  return {
    e2e,
    comp,
    attrs,
    replyTopic,
    ...(wantsWord && { receipt, bounce, bodyHash: hash('sha256', body, 'hex') })
  }
}

/** Most messages expire by the retention of their topic and say nothing themselves: that costs no row. */
function timesOf(
  { now, rules }: MailboxParts,
  { topic, not_before: notBefore, ttl_s: ttlS }: Outgoing
): Pick<NewMessage, 'notBeforeMs' | 'expiresAtMs'> {
  if (notBefore === undefined && ttlS === undefined) return {}
  const nowMs = now()
  const { retentionMs } = rules.of(topic)
  const notBeforeMs = notBefore !== undefined && notBefore > nowMs ? notBefore : undefined
  if (notBeforeMs !== undefined && notBeforeMs - nowMs > retentionMs)
    throw new OapError(
      'bad_request',
      `not_before: at most ${retentionMs} ms ahead, as long as the topic keeps messages`
    )
  const lifeMs = Math.min(retentionMs, (ttlS ?? Infinity) * SECOND_MS)
  return { notBeforeMs, expiresAtMs: (notBeforeMs ?? nowMs) + lifeMs }
}

function checkRoom(parts: MailboxParts, messages: readonly NewMessage[]): void {
  const additions = new Map<string, { topic: Topic; messages: number; bytes: number }>()
  let all = 0
  for (const message of messages) {
    const key = topicKey(message)
    const addition = additions.get(key) ?? { topic: message, messages: 0, bytes: 0 }
    addition.messages++
    all += bytesOf(message)
    addition.bytes = all
    additions.set(key, addition)
  }
  const { store, rules, tenantBytes, leases, queues } = parts
  for (const { topic, ...addition } of additions.values()) {
    const isReceived = leases.countOf(topic) > 0 || queues.isAwaited(topic)
    const bounds = { depth: rules.of(topic.topic).depth, tenantBytes }
    const refusal = quotaRefusal(
      store.counts(topic),
      store.tenantCounts(topic.tenant),
      addition,
      bounds,
      isReceived
    )
    if (refusal !== undefined) throw refusal
  }
}

async function tellStored(
  parts: MailboxParts,
  outgoing: readonly Outgoing[],
  messages: readonly NewMessage[],
  sent: readonly Sent[]
): Promise<void> {
  const changes = messages.flatMap(({ tenant, topic, priority }, n) => {
    const { msg_id: id, duplicate } = sent[n]!
    if (duplicate) return []
    return parts.statements.about(
      { tenant, topic, priority, id },
      metaOf(outgoing[n]!),
      'stored',
      parts.now()
    )
  })
  if (changes.length > 0) await storeStatements(parts, changes)
}

/** Stores receipts by themselves. What they state stands without them: those that cannot be stored count as dropped. */
export async function storeStatements(
  parts: MailboxParts,
  changes: readonly Extract<Change, { do: 'append' }>[]
): Promise<void> {
  const some = changes.slice(0, COMMIT_CHANGES)
  try {
    const outcomes = await parts.store.commit(some)
    for (const [n, { message }] of some.entries()) announce(parts, message, outcomes[n])
  } catch {
    parts.counts.receiptsDropped += some.length
  }
}
