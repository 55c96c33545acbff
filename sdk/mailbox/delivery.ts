import { parseJson } from '../../protocols/index.ts'
import type { JsonObject, MailboxDelivery } from '../../protocols/index.ts'
import type { HubCallOptions } from '../calls.ts'
import type { Leases } from './leases.ts'
import { TRACE_ATTRIBUTE } from './message.ts'

const NO_ATTRS: Readonly<Record<string, string>> = Object.freeze({})
const EMPTY = new Uint8Array(0)
const utf8 = new TextDecoder('utf-8', { fatal: true })

export interface NackOptions extends HubCallOptions {
  /** When it may be delivered again; without it the node waits a little longer each time. */
  readonly delayMs?: number | undefined
  /** Kept in the message's history, at most 256 bytes. */
  readonly reason?: string | undefined
}

/** One handing-over of a message. Unless it was asked for with `ack: 'auto'` it comes again until it is acknowledged. */
export class Delivery {
  readonly msgId: string
  readonly topic: string
  readonly body: Uint8Array
  readonly attrs: Readonly<Record<string, string>>
  readonly priority: number
  /** Counts from 1. */
  readonly attempt: number
  /** Unix milliseconds. */
  readonly sentAt: number
  readonly expiresAt: number
  readonly replyTopic: string | undefined
  /** True for a receipt or bounce, which the node wrote. */
  readonly isAuto: boolean
  /** True for a body that only the applications can open. */
  readonly isSealed: boolean
  /** The names of the call that brought it. */
  readonly corrId: bigint
  readonly #lease: string | undefined
  readonly #leases: Leases
  #deadline: number | undefined

  constructor(delivered: MailboxDelivery, leases: Leases, corrId: bigint) {
    this.msgId = delivered.msg_id
    this.topic = delivered.topic
    this.body = delivered.body ?? EMPTY
    this.attrs = delivered.attrs ?? NO_ATTRS
    this.priority = delivered.priority
    this.attempt = delivered.attempt
    this.sentAt = delivered.sent_at
    this.expiresAt = delivered.expires_at
    this.replyTopic = delivered.reply_topic
    this.isAuto = delivered.auto ?? false
    this.isSealed = delivered.e2e ?? false
    this.corrId = corrId
    this.#lease = delivered.lease
    this.#deadline = delivered.deadline
    this.#leases = leases
  }

  /** Until when it may be acknowledged, in Unix milliseconds by the node's clock; undefined with `ack: 'auto'`. */
  get deadline(): number | undefined {
    return this.#deadline
  }

  /** The trace that its sender passed on. */
  get traceparent(): string | undefined {
    return this.attrs[TRACE_ATTRIBUTE]
  }

  /** Throws TypeError for what is not UTF-8. */
  text(): string {
    return utf8.decode(this.body)
  }

  /** Throws OapError `bad_payload` unless it is one JSON object. */
  json(): JsonObject {
    return parseJson(this.body)
  }

  /**
   * Removes the message for good; resolves once that would survive a power cut. Of what is acknowledged in one turn one
   * call is made. Throws ConflictError `lease_expired` where it was too late: it may be delivered again.
   */
  async ack(options: HubCallOptions = {}): Promise<void> {
    await this.#leases.ack(this.#item(), options)
  }

  /** Gives it back: it is delivered again later, to whoever comes. Throws as `ack`. */
  async nack(options: NackOptions = {}): Promise<void> {
    await this.#leases.nack(this.#item(), options)
  }

  /** Keeps it for longer: `visibilityMs` from now, by default what it was received with. Throws as `ack`. */
  async extend(visibilityMs?: number, options: HubCallOptions = {}): Promise<void> {
    this.#deadline = (await this.#leases.extend(this.#item(), visibilityMs, options)) ?? this.#deadline
  }

  #item(): LeasedItem {
    if (this.#lease === undefined)
      throw new TypeError(
        `message ${this.msgId} was received with ack: 'auto'; there is nothing to say of it`
      )
    return { topic: this.topic, msg_id: this.msgId, lease: this.#lease }
  }
}

/** What names one lease. */
export interface LeasedItem {
  readonly topic: string
  readonly msg_id: string
  readonly lease: string
}
