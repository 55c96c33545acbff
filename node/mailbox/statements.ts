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

const BOUNCED: readonly State[] = ['expired', 'dead']

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
  about(place: Place, meta: MessageMeta, state: State, now: number): Extract<Change, { do: 'append' }>[] {
    const { replyTopic, bodyHash } = meta
    if (!this.asksFor(meta, state) || replyTopic === undefined || bodyHash === undefined) return []
    const { tenant } = place
    const { store, rules, tenantBytes, signer, dropped } = this.#o
    const bounds = { depth: rules.of(replyTopic).depth, tenantBytes, isOptional: true }
    const reply = { tenant, topic: replyTopic }
    // Whether it fits is judged when it is stored; this spares a signature.
    if (fullOf(store.counts(reply), store.tenantCounts(tenant), 0, bounds) !== undefined) {
      dropped()
      return []
    }
    const body = signReceipt(signer, {
      at: now,
      body_hash: bodyHash,
      msg_id: place.id,
      state,
      topic: place.topic
    })
    const type = BOUNCED.includes(state) ? 'bounce' : 'receipt'
    const message = {
      ...reply,
      bounds,
      priority: MAILBOX_LIMITS.priorityDefault,
      meta: encodeMeta({ auto: true, attrs: { type } }),
      body
    }
    return [{ do: 'append', message }]
  }
}
