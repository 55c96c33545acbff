import { OapError } from '../../protocols/index.ts'
import type { Bounds, Outcome } from '../stores/mailbox/types.ts'

const SOON_MS = 1000
const LATER_MS = 5000

/** Why there was no room for a message. `isReceived`: somebody takes from its topic now. */
export function mailboxFull(
  of: Outcome['of'],
  { depth, topicBytes = 0, tenantBytes }: Bounds,
  isReceived: boolean
): OapError {
  const what = {
    topic: `the topic holds ${depth} messages`,
    topic_bytes: `the topic holds ${topicBytes} bytes`,
    tenant: `the tenant holds ${tenantBytes} bytes`
  }[of ?? 'tenant']
  return new OapError('mailbox_full', `${what}, its most`, { retryAfterMs: isReceived ? SOON_MS : LATER_MS })
}
