import { MAILBOX_LIMITS, OapError, mailboxService } from '../../protocols/index.ts'
import type { Call, Handlers, Service } from '../../protocols/index.ts'
import type { Mailbox, Outgoing, Taken } from '../mailbox/index.ts'
import type { Topic } from '../stores/mailbox/types.ts'
import { subscription } from './mailbox-subscription.ts'

type MailboxOperations = (typeof mailboxService)['operations']

const NIL_TENANT = '00000000-0000-0000-0000-000000000000'
const LIMITS = MAILBOX_LIMITS
const utf8 = new TextEncoder()
const NOTHING = new Uint8Array(0)

export interface MailboxServiceOptions {
  /** The mailbox that is open now. @throws OapError `not_ready` where none is. */
  readonly mailbox: () => Mailbox
  /** Why the caller may not send to a further topic, if it may not. */
  readonly sendRefusal: (call: Call, topic: string) => OapError | undefined
  /** Whether another part than the mailbox has a tenant's topic, so that nobody sends to it here; none has if missing. */
  readonly isElsewhere?: ((tenant: string, topic: string) => boolean) | undefined
  /** Whose topics the call is about. */
  readonly tenantOf: (call: Call) => string
  readonly visibilityMs: number
  readonly maxVisibilityMs: number
  /** Runs what follows an answer, once that was written or refused. */
  readonly afterAnswer: (run: () => void) => void
  /** Told of what fails after the answer. */
  readonly failed: (error: unknown) => void
}

/** The tenant of a peer's call: its capability's or its share's, and where the verb needs none, nobody's. */
export const tenantOfPeer = ({ capability, granted }: Call): string =>
  capability?.tenant ?? granted?.tenant ?? NIL_TENANT

/** The mailbox as a service. @see specs/mailbox.md, section 3 */
export function mailboxOver(options: MailboxServiceOptions): Service<MailboxOperations> {
  const { mailbox, tenantOf } = options
  const topicOf = (topic: string, call: Call): Topic => ({ tenant: tenantOf(call), topic })
  const visibility = (ms: number = options.visibilityMs): number => Math.min(ms, options.maxVisibilityMs)

  const handlers: Handlers<MailboxOperations> = {
    send: async (request, call) => {
      const outgoing = outgoingOf(request, call, tenantOf(call))
      checkReply(options, call, outgoing)
      refuseElsewhere(options, [outgoing])
      const [sent] = await mailbox().send([outgoing])
      return sent!
    },

    send_batch: async ({ topic: common, items }, call) => {
      if (call.isE2e) throw new OapError('bad_request', 'APP_E2E: a batch says e2e in each of its records')
      const tenant = tenantOf(call)
      const outgoing = items.map(({ topic = common, body = NOTHING, ...rest }, n): Outgoing => {
        if (topic === undefined) throw new OapError('bad_request', `record ${n}: topic: missing`)
        return { ...rest, tenant, topic, body }
      })
      checkTopics(options, call, common, outgoing)
      refuseElsewhere(options, outgoing)
      return { results: await mailbox().send(outgoing) }
    },

    recv: async (request, call) => {
      const { topic, max = LIMITS.receiveMessagesDefault, max_bytes: maxBytes } = request
      const isExplicit = request.ack !== 'auto'
      const { signal } = call
      const box = mailbox()
      const taken = await box.take({
        topic: topicOf(topic, call),
        most: max,
        mostBytes: maxBytes ?? LIMITS.receiveBytesDefault,
        visibilityMs: visibility(request.visibility_ms),
        isExplicit,
        waitMs: request.wait_ms ?? 0,
        signal
      })
      if (taken.length > 0) whenAnswered(options, box, taken, { isExplicit, signal })
      return { items: taken.map(one => box.delivery(one, isExplicit)) }
    },

    subscribe: (request, call) =>
      subscription(mailbox(), call, {
        topic: topicOf(request.topic, call),
        most: request.max ?? LIMITS.receiveMessagesDefault,
        mostBytes: request.max_bytes ?? LIMITS.receiveBytesDefault,
        visibilityMs: visibility(request.visibility_ms),
        isExplicit: request.ack !== 'auto',
        failed: options.failed
      }),

    ack: async ({ topic, items }, call) => ({ results: await mailbox().ack(topicOf(topic, call), items) }),

    nack: async ({ topic, items, delay_ms: delayMs, reason }, call) => ({
      results: await mailbox().nack(topicOf(topic, call), items, { delayMs, reason })
    }),

    extend: ({ topic, items, visibility_ms: ms }, call) => ({
      results: mailbox().extend(topicOf(topic, call), items, visibility(ms))
    }),

    delete: async ({ topic, msg_id }, call) => {
      await mailbox().delete(topicOf(topic, call), msg_id)
      return { msg_id }
    },

    peek: async ({ topic, ...page }, call) => {
      const { items, next } = await mailbox().peek(topicOf(topic, call), pageOf(page))
      return { items, ...(next !== undefined && { next }) }
    },

    stats: async ({ topic }, call) => await mailbox().stats(topicOf(topic, call)),

    dlq_list: async ({ topic, ...page }, call) => {
      const { items, next } = await mailbox().deadLetters(topicOf(topic, call), pageOf(page))
      return { items, ...(next !== undefined && { next }) }
    },

    dlq_redrive: async ({ topic, msg_ids: msgIds, max = LIMITS.deadLetters }, call) => {
      const { done, more } = await mailbox().redrive(topicOf(topic, call), { msgIds, max })
      return { redriven: done, more }
    },

    dlq_purge: async ({ topic, msg_ids: msgIds, max = LIMITS.deadLetters }, call) => {
      const { done, more } = await mailbox().purgeDead(topicOf(topic, call), { msgIds, max })
      return { purged: done, more }
    }
  }
  return { table: mailboxService, handlers }
}

interface AskedPage {
  readonly max?: number | undefined
  readonly max_bytes?: number | undefined
  readonly after?: string | undefined
}

const pageOf = ({ max, max_bytes: maxBytes, after }: AskedPage) => ({
  max: max ?? LIMITS.receiveMessagesDefault,
  maxBytes: maxBytes ?? LIMITS.receiveBytesDefault,
  after
})

interface SendRequest extends Omit<Outgoing, 'tenant' | 'body'> {
  readonly body?: Uint8Array | undefined
  readonly idempotency_key?: string | undefined
  readonly text?: string | undefined
}

function outgoingOf(request: SendRequest, { isE2e, isE2ePacked = false }: Call, tenant: string): Outgoing {
  const isOld = request.idempotency_key !== undefined || request.text !== undefined
  const { body = NOTHING, ...said } = isOld ? ofOlderNames(request) : request
  if (!isE2e) return { ...said, body, tenant }
  return isE2ePacked ? { ...said, body, tenant, e2e: true, comp: true } : { ...said, body, tenant, e2e: true }
}

/** What older clients call by other names. */
function ofOlderNames({ idempotency_key: key, text, body = NOTHING, ...request }: SendRequest): SendRequest {
  if (key !== undefined && request.idem_key !== undefined)
    throw new OapError('bad_request', 'idempotency_key: idem_key stands there too')
  if (text !== undefined && body.length > 0) throw new OapError('bad_request', 'text: there is a body, too')
  return {
    ...request,
    body: text === undefined ? body : utf8.encode(text),
    ...(key !== undefined && { idem_key: key })
  }
}

function checkReply(options: MailboxServiceOptions, call: Call, { reply_topic: reply }: Outgoing): void {
  const refusal = reply === undefined ? undefined : options.sendRefusal(call, reply)
  if (refusal !== undefined) throw refusal
}

/** The guard has judged the topic of the outer header, and no other. */
function checkTopics(
  options: MailboxServiceOptions,
  call: Call,
  judged: string | undefined,
  outgoing: readonly Outgoing[]
): void {
  const topics = new Set(outgoing.flatMap(({ topic, reply_topic: reply }) => [topic, reply ?? topic]))
  for (const topic of topics) {
    const refusal = topic === judged ? undefined : options.sendRefusal(call, topic)
    if (refusal !== undefined) throw refusal
  }
}

/** What another part keeps came through its judgement, so nothing goes past it; what is for another hub is that hub's matter. */
function refuseElsewhere({ isElsewhere }: MailboxServiceOptions, outgoing: readonly Outgoing[]): void {
  const found = outgoing.find(
    ({ tenant, topic, to }) => to === undefined && isElsewhere?.(tenant, topic) === true
  )
  if (found === undefined) return
  const wayOut = 'a thread of this hub, which takes envelopes alone: POST /ams/v1/envelopes'
  throw new OapError('bad_request', `topic: ${found.topic} is ${wayOut}`)
}

/** What follows the answer of a call; where that was refused after all, its messages come back. */
function whenAnswered(
  { afterAnswer, failed }: MailboxServiceOptions,
  mailbox: Mailbox,
  taken: readonly Taken[],
  { isExplicit, signal }: { readonly isExplicit: boolean; readonly signal: AbortSignal }
): void {
  afterAnswer(() => {
    if (signal.aborted) return mailbox.release(taken)
    if (isExplicit && !taken.some(({ lease }) => lease.asksForReceipts)) return
    mailbox.written(taken, isExplicit).catch(failed)
  })
}
