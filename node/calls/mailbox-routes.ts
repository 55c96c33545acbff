import { MAILBOX_LIMITS, mailboxService } from '../../protocols/index.ts'
import type { MailboxDelivery, Method, Operation } from '../../protocols/index.ts'
import { nameOf, query } from '../ams/routes/query.ts'
import { done } from '../ams/routes/schemas.ts'
import Type from 'typebox'
import type { TSchema } from 'typebox'
import { eventStream } from './event-stream.ts'
import { mailboxRequest } from './mailbox-request.ts'
import { answerJson } from './message-json.ts'
import { callRoute } from './route.ts'
import { roleFor } from './stand-in.ts'
import type { CallAnswer, CallAsked, CallRoute } from './route.ts'
import type { CallParts } from './parts.ts'

/** A message of the greatest length as base64 in JSON, with its header. */
const SEND_BYTES = Math.ceil((MAILBOX_LIMITS.bodyBytes * 4) / 3) + 65_536
const REQUEST_BYTES = 65_536
/** Bytes of deliveries that were taken for a reader of events and that it has not taken. */
const CREDIT_BYTES = 65_536

/** Places for long answers that are left for messages that were taken from their topic meanwhile. */
const SPARE_PLACES = 16

const EVENT_STREAM = 'text/event-stream'

type Operations = (typeof mailboxService)['operations']
type Op = keyof Operations

const SUMMARIES: Readonly<Record<Op, string>> = {
  send: 'Keeps a message durably for whoever receives from its topic.',
  send_batch: 'Keeps messages, all or none.',
  recv: 'Leases messages that are ready; waits for some where it is told to.',
  subscribe: 'Messages as they become ready, as server-sent events.',
  ack: 'Messages that are dealt with.',
  nack: 'Messages to be delivered again.',
  extend: 'More time for leased messages.',
  delete: 'Takes a waiting message away.',
  peek: 'Messages that wait, without leasing them.',
  stats: 'How a topic stands.',
  dlq_list: 'Dead letters of a topic.',
  dlq_redrive: 'Dead letters to be delivered again.',
  dlq_purge: 'Takes dead letters away.'
}

const maybe = Type.Optional(Type.String())
const MESSAGE = { topic: maybe, body: maybe, body_b64: maybe }
/** Of what most callers use; the rest is as open in the document as OAP's own tables leave it. */
const BODIES: { readonly [K in Op]?: { readonly body: TSchema } } = {
  send: { body: Type.Object(MESSAGE, { title: 'MailboxSend', additionalProperties: true }) },
  ack: {
    body: Type.Object(
      { topic: maybe, items: Type.Array(Type.Object({ msg_id: Type.String(), lease: Type.String() })) },
      { title: 'MailboxAck', additionalProperties: true }
    )
  }
}
const DELIVERY = Type.Object(
  { msg_id: Type.String(), lease: maybe, ...MESSAGE },
  { title: 'Delivery', additionalProperties: true }
)
const GIVEN: { readonly [K in Op]?: TSchema } = {
  send: done({ msg_id: Type.String() }),
  recv: done({ items: Type.Array(DELIVERY) }),
  peek: done({ items: Type.Array(DELIVERY) })
}

const TOPIC = query({ topic: Type.Optional(nameOf(255, 'The topic, where the body does not name it.')) })

/** The operations of the mailbox, one row each, from its table. @see specs/http.md, section 3 */
export const MAILBOX: readonly CallRoute[] = (Object.keys(mailboxService.operations) as Op[]).map(op =>
  callRoute({
    method: 'POST',
    path: `/mailbox/v1/${op}`,
    role: roleFor(mailboxService.operations[op].verb),
    verb: mailboxService.operations[op].verb,
    effect: mailboxService.operations[op],
    takes: op === 'send' ? 'bytes' : 'json',
    maxBodyBytes: op.startsWith('send') ? SEND_BYTES : REQUEST_BYTES,
    query: TOPIC,
    statuses: [200],
    ...BODIES[op],
    ...(op === 'subscribe' ? { gives: EVENT_STREAM } : GIVEN[op] && { gives: GIVEN[op] }),
    summary: SUMMARIES[op],
    answer: (parts, asked) => (op === 'subscribe' ? subscribed(parts, asked) : called(parts, op, asked))
  })
)

const requestOf = (op: Op, { header, body, query: { topic }, options }: CallAsked<{ topic?: string }>) =>
  mailboxRequest({ op, contentType: header('content-type'), body, topic, trace: options.trace })

async function called(
  { bodies }: CallParts,
  op: Op,
  asked: CallAsked<{ topic?: string }>
): Promise<CallAnswer> {
  const { request, deadlineMs, isE2e } = requestOf(op, asked)
  // What is received and finds no place on its way out has been taken from others for nothing.
  if (op === 'recv') bodies.demandRoom(SPARE_PLACES)
  // The responder judges the members.
  const call = asked.calls(mailboxService, op) as Method<Operation> as (
    request: unknown,
    options: object
  ) => Promise<object>
  const answer = await call(request, { ...asked.options, deadlineMs, ...(isE2e && { e2e: true }) })
  return { status: 200, body: answerJson(answer) }
}

async function subscribed(
  { heartbeatMs, clock, onError }: CallParts,
  asked: CallAsked<{ topic?: string }>
): Promise<CallAnswer> {
  const { request, deadlineMs } = requestOf('subscribe', asked)
  const { requestId, options } = asked
  const subscribe = asked.calls(mailboxService, 'subscribe')
  const deliveries: AsyncIterable<MailboxDelivery> = await subscribe(request as never, {
    ...options,
    deadlineMs,
    credit: CREDIT_BYTES
  })
  const { signal } = options
  return {
    status: 200,
    headers: { 'content-type': EVENT_STREAM, 'x-accel-buffering': 'no' },
    bytes: {
      pieces: eventStream(deliveries, { heartbeatMs, clock, onError, signal, requestId }),
      isEndless: true
    }
  }
}
