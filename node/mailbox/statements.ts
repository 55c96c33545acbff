import { MAILBOX_LIMITS } from '../../protocols/index.ts'
import { fullOf } from '../stores/mailbox/room.ts'
import type { Change, MailboxStore, Place } from '../stores/mailbox/types.ts'
import { encodeMeta } from './message-meta.ts'
import type { MessageMeta } from './message-meta.ts'
import { signReceipt } from './receipts.ts'
import type { ReceiptSigner, ReceiptStatement } from './receipts.ts'
import type { TopicRules } from './topic-rules.ts'

export interface StatementsOptions {
  readonly store: Pick<MailboxStore, 'counts' | 'tenantCounts'>
  readonly rules: TopicRules
  readonly tenantBytes: number
  readonly signer: ReceiptSigner
  readonly dropped: () => void
}

type State = ReceiptStatement['state']
type Append = Extract<Change, { do: 'append' }>

const BOUNCED: readonly State[] = ['expired', 'dead', 'refused']

/** What is said of a directed message beside its state. */
export interface SaidBesides {
  readonly reason?: string
  readonly attrs?: Readonly<Record<string, string>>
}

/** Makes the signed messages that tell a sender what became of its message. */
export class Statements {
  readonly #o: StatementsOptions

  constructor(options: StatementsOptions) {
    this.#o = options
  }

  /** Whether the sender asked to be told of this state. A receipt or bounce itself never does. */
  asksFor({ auto, bounce, receipt }: MessageMeta, state: State): boolean {
    if (auto === true) return false
    return BOUNCED.includes(state) ? bounce === true : receipt?.some(wanted => wanted === state) === true
  }

  /** The statement as a message to store, none where nobody asked for it or there is no room. */
  about(
    place: Place,
    meta: MessageMeta,
    state: State,
    now: number,
    { reason, attrs }: SaidBesides = {}
  ): Append[] {
    const { replyTopic, bodyHash, directed } = meta
    if (!this.asksFor(meta, state) || replyTopic === undefined || bodyHash === undefined) return []
    const { signer } = this.#o
    const type = BOUNCED.includes(state) ? 'bounce' : 'receipt'
    return this.#reply(place.tenant, replyTopic, { ...attrs, type }, () =>
      signReceipt(signer, {
        at: now,
        body_hash: bodyHash,
        msg_id: place.id,
        ...(reason !== undefined && { reason }),
        state,
        topic: directed?.topic ?? place.topic
      })
    )
  }

  /** What another hub has signed of a message, for its sender, where that wants to know of its delivery. */
  ofOther(
    { tenant }: Place,
    meta: MessageMeta,
    body: Uint8Array,
    attrs: Readonly<Record<string, string>>
  ): Append[] {
    const { replyTopic } = meta
    if (!this.asksFor(meta, 'delivered') || replyTopic === undefined) return []
    return this.#reply(tenant, replyTopic, { ...attrs, type: 'receipt' }, () => body)
  }

  #reply(
    tenant: string,
    topic: string,
    attrs: Readonly<Record<string, string>>,
    bodyOf: () => Uint8Array
  ): Append[] {
    const { store, rules, tenantBytes, dropped } = this.#o
    const bounds = { depth: rules.of(topic).depth, tenantBytes, isOptional: true }
    // Whether it fits is judged when it is stored; this spares a signature.
    if (fullOf(store.counts({ tenant, topic }), store.tenantCounts(tenant), 0, bounds) !== undefined) {
      dropped()
      return []
    }
    const message = {
      tenant,
      topic,
      bounds,
      priority: MAILBOX_LIMITS.priorityDefault,
      meta: encodeMeta({ auto: true, attrs }),
      body: bodyOf()
    }
    return [{ do: 'append', message }]
  }
}
