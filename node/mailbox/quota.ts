import { OapError } from '../../protocols/index.ts'
import type { Counts, TopicCounts } from '../stores/mailbox/types.ts'

/** What a record costs beside its meta and body, about. */
export const RECORD_OVERHEAD_BYTES = 96

const SOON_MS = 1000
const LATER_MS = 5000

export interface QuotaBounds {
  /** Of the topic: ready, leased and delayed. */
  readonly depth: number
  readonly tenantBytes: number
}

/** What a send would add to one topic. */
export interface Addition {
  readonly messages: number
  readonly bytes: number
}

/** Why there is no room for more messages of a topic, if there is none. `isReceived`: somebody takes from it now. */
export function quotaRefusal(
  topic: TopicCounts,
  tenant: Counts,
  add: Addition,
  { depth, tenantBytes }: QuotaBounds,
  isReceived: boolean
): OapError | undefined {
  const retryAfterMs = isReceived ? SOON_MS : LATER_MS
  if (topic.ready.messages + topic.delayed.messages + add.messages > depth)
    return new OapError('mailbox_full', `the topic holds ${depth} messages, its most`, { retryAfterMs })
  if (bytesOf(tenant) + add.bytes > tenantBytes)
    return new OapError('mailbox_full', `the tenant holds ${tenantBytes} bytes, its most`, { retryAfterMs })
  return undefined
}

const bytesOf = ({ ready, delayed, dead }: Counts): number => ready.bytes + delayed.bytes + dead.bytes
