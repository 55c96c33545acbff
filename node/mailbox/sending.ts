import { hash } from 'node:crypto'
import { MAILBOX_LIMITS, OapError } from '../../protocols/index.ts'
import type { MessageOptions } from '../../protocols/index.ts'
import { isDiskFull } from '../stores/disk-full.ts'
import type { Beside, Change, NewMessage, Outcome, Topic } from '../stores/mailbox/types.ts'
import { isOutbox, outboxKey, outboxOf } from './directing.ts'
import { encodeMeta } from './message-meta.ts'
import type { MessageMeta } from './message-meta.ts'
import type { MailboxParts } from './parts.ts'
import { COMMIT_CHANGES } from './parts.ts'
import { mailboxFull } from './quota.ts'
import { announce } from './storing.ts'

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
const OUTBOX_WAIT_MS = 5000
const NOT_SHARED: readonly undefined[] = []
const NO_TIMES: Pick<NewMessage, 'notBeforeMs' | 'expiresAtMs'> = {}

/**
 * Stores all messages or none, 1 to 1024; resolves once they would survive a power cut.
 * @throws OapError `mailbox_full`, `idem_conflict`, `bad_request`, `not_shared`, `body_oversize`, `saturated`; `disk_full` of a store
 * that failed before; what the store throws, after which nobody knows whether it was stored: the same keys tell.
 */
export async function sendAll(parts: MailboxParts, outgoing: readonly Outgoing[]): Promise<Sent[]> {
  const { failure } = parts.store
  if (failure !== undefined) throw new OapError(isDiskFull(failure) ? 'disk_full' : 'not_ready')
  if (outgoing.some(({ to }) => to !== undefined)) await parts.directing?.prepare()
  const sharing = outgoing.map(one => (one.to === undefined ? parts.shared(one) : undefined))
  // What nobody shares does not wait a turn.
  const isShared = sharing.some(one => one !== undefined)
  const shared = isShared ? await Promise.all(sharing.map(async one => await one)) : NOT_SHARED
  const messages = outgoing.map((one, n) => newMessage(parts, one, shared[n]?.beside))
  const outcomes = await parts.store.commit(messages.map(append))
  const full = outcomes.findIndex(({ is }) => is === 'full')
  if (full >= 0) throw noRoom(parts, messages[full]!, outcomes[full]!.of)
  const sent = outcomes.map(({ is, id }, n): Sent => {
    if (is === 'conflict' || is === 'refused')
      throw new OapError('conflict', 'idem_key: it was used with another body', { code: 'idem_conflict' })
    announce(parts, messages[n]!, outcomes[n])
    const { tenant, to } = outgoing[n]!
    if (to !== undefined) parts.directing?.queued(tenant, to.hub)
    if (is === 'done') shared[n]?.stored()
    return { msg_id: id!, duplicate: is === 'duplicate' }
  })
  if (outgoing.some(asksForReceipt)) await tellStored(parts, outgoing, messages, sent)
  return sent
}

const append = (message: NewMessage): Change => ({ do: 'append', message })

const asksForReceipt = ({ receipt }: Outgoing): boolean => receipt !== undefined

function newMessage(parts: MailboxParts, one: Outgoing, beside?: Beside): NewMessage {
  const { tenant, topic, body, idem_key: key, priority = MAILBOX_LIMITS.priorityDefault } = one
  if (body.length > MAILBOX_LIMITS.bodyBytes)
    throw new OapError('body_oversize', `a body of ${body.length} bytes, at most ${MAILBOX_LIMITS.bodyBytes}`)
  if (one.to !== undefined) return newDirected(parts, one, one.to.hub)
  const { notBeforeMs, expiresAtMs } = timesOf(parts, one)
  return {
    tenant,
    topic,
    priority,
    meta: encodeMeta(metaOf(one)),
    body,
    notBeforeMs,
    expiresAtMs,
    goesSoon: parts.queues.has(one),
    bounds: { depth: parts.rules.of(topic).depth, tenantBytes: parts.tenantBytes },
    idem: key === undefined ? undefined : { key, hash: hash('sha256', body, 'buffer') },
    ...(beside && { beside })
  }
}

/** A message that waits for another hub, signed as it will go there. */
function newDirected(parts: MailboxParts, one: Outgoing, hub: string): NewMessage {
  const { directing, tenantBytes, now } = parts
  if (directing === undefined) throw new OapError('not_shared', 'to: no treaty shares anything with this hub')
  if (one.receipt?.includes('acked') === true)
    throw new OapError('bad_request', 'receipt: another hub does not tell of acknowledgements; use delivered')
  const meta = metaOf(one)
  const nowMs = now()
  const { notBeforeMs } = timesOf(parts, one)
  const { directed, expiresAtMs } = directing.address(one, { nowMs, atMs: notBeforeMs ?? nowMs })
  const { tenant, body, idem_key: key, priority = MAILBOX_LIMITS.priorityDefault } = one
  return {
    ...outboxOf(tenant, hub),
    priority,
    meta: encodeMeta({ ...meta, directed }),
    body,
    notBeforeMs,
    expiresAtMs,
    bounds: { depth: directing.messages, topicBytes: directing.bytes, tenantBytes },
    idem:
      key === undefined ? undefined : { key: outboxKey(directed, key), hash: hash('sha256', body, 'buffer') }
  }
}

function metaOf({ attrs, bounce, receipt, reply_topic: replyTopic, body, e2e, comp }: Outgoing): MessageMeta {
  const wantsWord = receipt !== undefined || bounce === true
  if (wantsWord && replyTopic === undefined)
    throw new OapError('bad_request', 'reply_topic: receipts and bounces need one')
  if (comp === true && e2e !== true) throw new OapError('bad_request', 'comp: only with e2e')
  const said = { e2e, comp, attrs, replyTopic }
  return wantsWord ? { ...said, receipt, bounce, bodyHash: hash('sha256', body, 'hex') } : said
}

/** Most messages expire by the retention of their topic and say nothing themselves: that costs no row. */
function timesOf(
  { now, rules }: MailboxParts,
  { topic, not_before: notBefore, ttl_s: ttlS }: Outgoing
): Pick<NewMessage, 'notBeforeMs' | 'expiresAtMs'> {
  if (notBefore === undefined && ttlS === undefined) return NO_TIMES
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

function noRoom({ leases, queues }: MailboxParts, message: NewMessage, of: Outcome['of']): OapError {
  if (isOutbox(message.topic) && of !== 'tenant')
    throw new OapError('mailbox_full', 'the outbox for that hub holds its most', {
      code: 'outbox_full',
      retryAfterMs: OUTBOX_WAIT_MS
    })
  const isReceived = leases.countOf(message) > 0 || queues.isAwaited(message)
  return mailboxFull(of, message.bounds!, isReceived)
}

async function tellStored(
  parts: MailboxParts,
  outgoing: readonly Outgoing[],
  messages: readonly NewMessage[],
  sent: readonly Sent[]
): Promise<void> {
  const changes = messages.flatMap(({ tenant, priority }, n) => {
    const { topic } = outgoing[n]!
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
