import { headerAndBatch, recordBatch } from '../batch-codec.ts'
import { isTopic } from '../capabilities/index.ts'
import { flag, integer, list, matching, object, oneOf, optional, text, texts, utf8Fits } from '../fields.ts'
import type { FieldValues } from '../fields.ts'
import { defineService, header, headerAndBody, json, record, subscription, unary } from '../service.ts'
import type { WithBody } from '../service.ts'

/** @see specs/mailbox.md, Numbers */
export const MAILBOX_LIMITS = {
  bodyBytes: 983_040,
  attrsBytes: 4096,
  idemKeyBytes: 128,
  reasonBytes: 256,
  batchMessages: 1024,
  receiveMessages: 256,
  receiveMessagesDefault: 32,
  receiveBytes: 1_048_576,
  receiveBytesDefault: 524_288,
  leases: 256,
  waitMs: 60_000,
  visibilityMsLeast: 250,
  visibilityMsMost: 43_200_000,
  nackDelayMsMost: 43_200_000,
  priorityDefault: 4,
  priorityMost: 9,
  deadLetters: 1024,
  historyEntries: 32
} as const

const MAX_SAFE = Number.MAX_SAFE_INTEGER
const LIMITS = MAILBOX_LIMITS
const ULID = /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/

const topic = matching<string>(
  isTopic,
  'a topic is 1 to 255 bytes: segments of A-Z a-z 0-9 . _ ~ - with / between them',
  'bad_topic'
)
const msgId = matching<string>(value => ULID.test(value), 'a message id is a ULID in upper case')
const ms = integer(0, MAX_SAFE)
const count = integer(0, MAX_SAFE)
const visibility = integer(LIMITS.visibilityMsLeast, LIMITS.visibilityMsMost)

/** States of a message of which its sender may ask to be told. */
const receiptState = oneOf('stored', 'delivered', 'acked')

const idemKey = matching(
  value => value.length > 0 && utf8Fits(value, LIMITS.idemKeyBytes),
  `text of 1 to ${LIMITS.idemKeyBytes} bytes`
)

const messageOptions = {
  idem_key: optional(idemKey),
  attrs: optional(texts(LIMITS.attrsBytes, 'attrs_oversize')),
  priority: optional(integer(0, LIMITS.priorityMost)),
  not_before: optional(ms),
  ttl_s: optional(integer(1, MAX_SAFE)),
  to: optional(object({ hub: text(128), share: text(128) })),
  receipt: optional(list(receiptState, 3, 1)),
  bounce: optional(flag),
  reply_topic: optional(topic)
}

/** What is known of a message wherever it is shown. Times are Unix milliseconds. */
const messageFields = {
  msg_id: msgId,
  topic,
  priority: integer(0, LIMITS.priorityMost),
  sent_at: ms,
  expires_at: ms,
  attrs: optional(texts(LIMITS.attrsBytes)),
  reply_topic: optional(topic),
  auto: optional(flag),
  e2e: optional(flag),
  comp: optional(flag),
  origin: optional(object({ hub: text(128), share: text(128), number: count, id: text(64) }))
}

const deliveryFields = {
  ...messageFields,
  attempt: integer(1, MAX_SAFE),
  lease: optional(text(64)),
  deadline: optional(ms)
}

const waitingFields = { ...messageFields, attempts: count, not_before: optional(ms) }

const deadFields = {
  ...messageFields,
  attempts: count,
  dead_at: ms,
  reason: oneOf('attempts', 'refused'),
  history: list(
    object({
      attempt: count,
      at: ms,
      outcome: oneOf('nacked', 'expired'),
      reason: optional(text(LIMITS.reasonBytes))
    }),
    LIMITS.historyEntries
  )
}

const receiving = {
  topic,
  max: optional(integer(1, LIMITS.receiveMessages)),
  max_bytes: optional(integer(1, LIMITS.receiveBytes)),
  visibility_ms: optional(visibility),
  ack: optional(oneOf('auto', 'explicit'))
}

const leased = { msg_id: msgId, lease: text(64) }
const page = {
  topic,
  max: optional(integer(1, LIMITS.receiveMessages)),
  max_bytes: optional(integer(1, LIMITS.receiveBytes)),
  after: optional(text(64))
}
const picked = {
  topic,
  msg_ids: optional(list(msgId, LIMITS.leases, 1)),
  max: optional(integer(1, LIMITS.deadLetters))
}

/** One for each item of the request, in its order: `status` 0, or a status with its code. */
const results = json({
  results: list(
    object({ msg_id: msgId, status: integer(0, 599), code: optional(text(32)), deadline: optional(ms) }),
    LIMITS.leases
  )
})

const SEND = 'mailbox:send'
const RECV = 'mailbox:recv'
const anySealed = ({ items }: { readonly items: readonly { readonly e2e?: boolean }[] }) => ({
  e2e: items.some(({ e2e }) => e2e === true)
})

/** App 0x0201: durable queues by topic, delivered at least once. @see specs/mailbox.md */
export const mailboxService = defineService({
  name: 'mailbox',
  app: 0x0201,
  operations: {
    /** Answered once the message would survive a power cut. `idempotency_key` and `text` are older names of `idem_key` and the body. */
    send: unary({
      verb: SEND,
      writes: true,
      topic: 'topic',
      request: headerAndBody({
        topic,
        ...messageOptions,
        idempotency_key: optional(idemKey),
        text: optional(text(65_536))
      }),
      answer: json({ msg_id: msgId, duplicate: optional(flag) })
    }),
    /** All or none. `topic` is that of the records that name none. */
    send_batch: unary({
      verb: SEND,
      writes: true,
      topic: 'topic',
      request: headerAndBatch(
        { topic: optional(topic) },
        { topic: optional(topic), ...messageOptions, e2e: optional(flag), comp: optional(flag) },
        LIMITS.batchMessages
      ),
      answer: json({
        results: list(object({ msg_id: msgId, duplicate: flag }), LIMITS.batchMessages)
      })
    }),
    recv: unary({
      verb: RECV,
      writes: true,
      relieves: true,
      topic: 'topic',
      request: header({ ...receiving, wait_ms: optional(integer(0, LIMITS.waitMs)) }),
      answer: recordBatch({}, deliveryFields, LIMITS.receiveMessages),
      sealOf: anySealed
    }),
    /** `max` and `max_bytes` bound what is leased and not yet acknowledged. */
    subscribe: subscription({
      verb: RECV,
      writes: true,
      relieves: true,
      topic: 'topic',
      request: header(receiving),
      event: record(deliveryFields),
      sealOf: ({ e2e, comp }: MailboxDelivery) => ({ e2e, comp })
    }),
    ack: unary({
      verb: RECV,
      writes: true,
      relieves: true,
      topic: 'topic',
      request: header({ topic, items: list(object(leased), LIMITS.leases, 1) }),
      answer: results
    }),
    nack: unary({
      verb: RECV,
      writes: true,
      relieves: true,
      topic: 'topic',
      request: header({
        topic,
        items: list(object(leased), LIMITS.leases, 1),
        delay_ms: optional(integer(0, LIMITS.nackDelayMsMost)),
        reason: optional(text(LIMITS.reasonBytes))
      }),
      answer: results
    }),
    extend: unary({
      verb: RECV,
      writes: true,
      relieves: true,
      topic: 'topic',
      request: header({
        topic,
        items: list(object(leased), LIMITS.leases, 1),
        visibility_ms: optional(visibility)
      }),
      answer: results
    }),
    /** Removes a message that waits; one that is leased is 409 `message_leased`. */
    delete: unary({
      verb: 'mailbox:delete',
      writes: true,
      relieves: true,
      topic: 'topic',
      request: header({ topic, msg_id: msgId }),
      answer: json({ msg_id: msgId })
    }),
    /** Messages that wait, in their order, without leasing them. `next` is the `after` of the page that follows. */
    peek: unary({
      verb: 'mailbox:peek',
      topic: 'topic',
      request: header(page),
      answer: recordBatch({ next: optional(text(64)) }, waitingFields, LIMITS.receiveMessages),
      sealOf: anySealed
    }),
    stats: unary({
      verb: 'mailbox:stats',
      topic: 'topic',
      request: header({ topic }),
      answer: json({
        topic,
        depth: count,
        bytes: count,
        in_flight: count,
        delayed: count,
        oldest_ms: optional(count),
        dead: count,
        dead_bytes: count
      })
    }),
    dlq_list: unary({
      verb: 'mailbox:dlq_list',
      topic: 'topic',
      request: header(page),
      answer: recordBatch({ next: optional(text(64)) }, deadFields, LIMITS.receiveMessages),
      sealOf: anySealed
    }),
    /** Of `msg_ids`, or of all, at most `max` a call; `more` says that there are others. */
    dlq_redrive: unary({
      verb: 'mailbox:dlq_redrive',
      writes: true,
      topic: 'topic',
      request: header(picked),
      answer: json({ redriven: count, more: flag })
    }),
    dlq_purge: unary({
      verb: 'mailbox:dlq_purge',
      writes: true,
      relieves: true,
      topic: 'topic',
      request: header(picked),
      answer: json({ purged: count, more: flag })
    })
  }
})

export type MailboxDelivery = WithBody<FieldValues<typeof deliveryFields>>
export type WaitingMessage = WithBody<FieldValues<typeof waitingFields>>
export type DeadLetter = WithBody<FieldValues<typeof deadFields>>
export type MessageOptions = FieldValues<typeof messageOptions>
