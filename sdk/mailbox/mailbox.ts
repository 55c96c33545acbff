import { mailboxService } from '../../protocols/index.ts'
import type {
  CallOptions,
  Client,
  DeadLetter,
  MailboxDelivery,
  WaitingMessage
} from '../../protocols/index.ts'
import type { Calls, HubCallOptions } from '../calls.ts'
import { NotFoundError } from '../errors.ts'
import { methodsOf } from '../wire.ts'
import type { Wire } from '../wire.ts'
import { Delivery } from './delivery.ts'
import { Leases } from './leases.ts'
import { bodyBytes, defined, messageMembers, newIdemKey } from './message.ts'
import type { SendOptions } from './message.ts'
import { paged } from './pages.ts'
import type { PageOptions } from './pages.ts'
import { deliveries } from './subscription.ts'

/** Bytes of deliveries that may be under way before the reader took them. */
const CREDIT_BYTES = 262_144

type Rows = Client<(typeof mailboxService)['operations']>
export type MailboxStats = Awaited<ReturnType<Rows['stats']>>
export type Redriven = Awaited<ReturnType<Rows['dlq_redrive']>>
export type Purged = Awaited<ReturnType<Rows['dlq_purge']>>

/** A message that the node keeps. */
export interface Sent {
  readonly msgId: string
  /** True when an earlier send with this key made the message. */
  readonly isDuplicate: boolean
  readonly idemKey: string
  /** Of the attempt that was answered. */
  readonly corrId: bigint
}

/** One of several messages that are sent at once. */
export interface BatchMessage
  extends Omit<SendOptions, keyof HubCallOptions>, Pick<HubCallOptions, 'traceparent'> {
  readonly body: Uint8Array | string
}

export interface ReceiveOptions extends HubCallOptions {
  /** The most messages that are leased and not answered, 1 to 256. Default 32. */
  readonly max?: number | undefined
  /** The most bytes of them, but at least one message. Default 512 KiB. */
  readonly maxBytes?: number | undefined
  /** How long a delivery may be answered; the node's default is 30 s. */
  readonly visibilityMs?: number | undefined
  /** `auto` removes a message when it is handed over: at most once. Default `explicit`. */
  readonly ack?: 'auto' | 'explicit' | undefined
}

export interface RecvOptions extends ReceiveOptions {
  /** How long to wait for a first message; 0, the default, does not wait. At most 60,000. */
  readonly waitMs?: number | undefined
}

export interface SubscribeOptions extends Omit<ReceiveOptions, 'deadlineMs'> {
  /** Bytes that may be under way before they are read. Default 262,144. */
  readonly credit?: number | undefined
}

export interface PickOptions extends HubCallOptions {
  /** Only these, at most 256; default: all, as many as one call takes. */
  readonly msgIds?: readonly string[] | undefined
  readonly max?: number | undefined
}

/** Durable messages by topic, delivered at least once. @see specs/mailbox.md */
export class Mailbox {
  readonly #rows: Rows
  readonly #calls: Calls
  readonly #leases: Leases

  constructor(wire: Wire, calls: Calls) {
    this.#rows = methodsOf(mailboxService, wire)
    this.#calls = calls
    this.#leases = new Leases(this.#rows, calls)
  }

  /**
   * Sends one message; resolves once it would survive a power cut. Repeated under the same key until it is answered or
   * the attempts are spent. Throws BusyError `mailbox_full`, ConflictError `idem_conflict` and others.
   */
  async send(topic: string, body: Uint8Array | string, options: SendOptions = {}): Promise<Sent> {
    const idemKey = options.idemKey ?? newIdemKey()
    const members = messageMembers(options, idemKey, this.#traceOf(options))
    const request = { topic, ...members, body: bodyBytes(body) }
    const noted = noting(options)
    const answer = await this.#calls.unary(noted.options, true, call => this.#rows.send(request, call))
    return { msgId: answer.msg_id, isDuplicate: answer.duplicate ?? false, idemKey, corrId: noted.corrId }
  }

  /** Sends up to 1024 messages to a topic: all or none, in their order. */
  async sendBatch(
    topic: string,
    messages: readonly BatchMessage[],
    options: Omit<HubCallOptions, 'e2e' | 'compress'> & { readonly e2e?: boolean | undefined } = {}
  ): Promise<readonly Sent[]> {
    const keys = messages.map(({ idemKey }) => idemKey ?? newIdemKey())
    const items = messages.map((message, n) => ({
      ...messageMembers(message, keys[n]!, this.#traceOf(message)),
      ...(options.e2e === true && { e2e: true }),
      body: bodyBytes(message.body)
    }))
    const { e2e: _, ...calling } = options
    const { answer, corrId } = await this.#unary(calling, call =>
      this.#rows.send_batch({ topic, items }, call)
    )
    return answer.results.map(({ msg_id, duplicate }, n) => ({
      msgId: msg_id,
      isDuplicate: duplicate,
      idemKey: keys[n]!,
      corrId
    }))
  }

  /** What waits in a topic, leased to this caller. Its deadline is that of the client's calls beside `waitMs`. */
  async recv(topic: string, options: RecvOptions = {}): Promise<readonly Delivery[]> {
    const { waitMs, deadlineMs = this.#calls.deadlineMs + (waitMs ?? 0) } = options
    const request = { ...receiving(topic, options), ...defined({ wait_ms: waitMs }) }
    const { answer, corrId } = await this.#unary({ ...options, deadlineMs }, call =>
      this.#rows.recv(request, call)
    )
    return answer.items.map(item => new Delivery(item, this.#leases, corrId))
  }

  /**
   * Deliveries as they come, for as long as they are read. It reconnects by itself, however long that takes; what does not
   * pass ends it with its error. A slow reader makes the node wait.
   */
  subscribe(topic: string, options: SubscribeOptions = {}): AsyncIterable<Delivery> {
    const { credit = CREDIT_BYTES } = options
    const request = receiving(topic, options)
    const open = (call: CallOptions): Promise<AsyncIterable<MailboxDelivery>> =>
      this.#rows.subscribe(request, { ...call, credit })
    const shown = (delivered: MailboxDelivery, corrId: bigint): Delivery =>
      new Delivery(delivered, this.#leases, corrId)
    return { [Symbol.asyncIterator]: () => deliveries(this.#calls, options, open, shown) }
  }

  /** Messages that wait, in their order, page by page; nobody's lease. */
  peek(topic: string, options: PageOptions = {}): AsyncIterable<WaitingMessage> {
    return paged(options, (page, calling) =>
      this.#page(calling, call => this.#rows.peek({ topic, ...page }, call))
    )
  }

  /** What a topic holds now. */
  async stats(topic: string, options: HubCallOptions = {}): Promise<MailboxStats> {
    return (await this.#unary(options, call => this.#rows.stats({ topic }, call))).answer
  }

  /** Removes a message that waits. Throws NotFoundError, ConflictError `message_leased`. */
  async delete(topic: string, msgId: string, options: HubCallOptions = {}): Promise<void> {
    let made = 0
    const onOpen = (corrId: bigint): void => {
      made++
      options.onOpen?.(corrId)
    }
    try {
      await this.#unary({ ...options, onOpen }, call => this.#rows.delete({ topic, msg_id: msgId }, call))
    } catch (error) {
      // An attempt whose answer was lost has done it.
      if (made === 1 || !(error instanceof NotFoundError)) throw error
    }
  }

  /** Messages given up on, with their history, page by page. */
  deadLetters(topic: string, options: PageOptions = {}): AsyncIterable<DeadLetter> {
    return paged(options, (page, calling) =>
      this.#page(calling, call => this.#rows.dlq_list({ topic, ...page }, call))
    )
  }

  /** Makes dead letters messages again; `more` says that one call did not take all. */
  async redrive(topic: string, options: PickOptions = {}): Promise<Redriven> {
    const request = { topic, ...picked(options) }
    return (await this.#unary(options, call => this.#rows.dlq_redrive(request, call))).answer
  }

  /** Removes dead letters for good; `more` as in `redrive`. */
  async purge(topic: string, options: PickOptions = {}): Promise<Purged> {
    const request = { topic, ...picked(options) }
    return (await this.#unary(options, call => this.#rows.dlq_purge(request, call))).answer
  }

  #page<T>(options: HubCallOptions, make: (call: CallOptions) => Promise<T>): Promise<T> {
    return this.#unary(options, make).then(({ answer }) => answer)
  }

  /** Every operation may be made twice: sends have a key, leases one answer, and the rest does not count. */
  async #unary<T>(
    options: HubCallOptions,
    make: (call: CallOptions) => Promise<T>
  ): Promise<{ readonly answer: T; readonly corrId: bigint }> {
    const noted = noting(options)
    const answer = await this.#calls.unary(noted.options, true, make)
    return { answer, corrId: noted.corrId }
  }

  /** A message carries the trace of whoever sends it, unless it says another. */
  #traceOf({ traceparent }: { readonly traceparent?: string | undefined }): string | undefined {
    return traceparent ?? this.#calls.traceparent()
  }
}

interface Noted {
  readonly options: HubCallOptions
  /** Of the last attempt. */
  corrId: bigint
}

function noting(options: HubCallOptions): Noted {
  const onOpen = (id: bigint): void => {
    noted.corrId = id
    options.onOpen?.(id)
  }
  const noted: Noted = { options: { ...options, onOpen }, corrId: 0n }
  return noted
}

function receiving(topic: string, { max, maxBytes, visibilityMs, ack }: ReceiveOptions) {
  return { topic, ...defined({ max, max_bytes: maxBytes, visibility_ms: visibilityMs, ack }) }
}

const picked = ({ msgIds, max }: PickOptions) => defined({ msg_ids: msgIds, max })
