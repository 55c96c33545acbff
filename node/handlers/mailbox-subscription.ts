import { OapError } from '../../protocols/index.ts'
import type { Call, EventCredit, MailboxDelivery } from '../../protocols/index.ts'
import type { Mailbox, Taken, Taking } from '../mailbox/index.ts'
import type { StoredMessage, Topic } from '../stores/mailbox/types.ts'
import { Outstanding } from './outstanding.ts'

/** Leased at a time; each waits until those before it have left. */
const AT_ONCE = 16
const AT_ONCE_BYTES = 65_536
/** What the header of an event takes at most, beside what its sender said. */
const HEADER_BYTES = 512

export interface SubscriptionOptions {
  readonly topic: Topic
  /** Of what is leased and not settled. */
  readonly most: number
  readonly mostBytes: number
  readonly visibilityMs: number
  readonly isExplicit: boolean
  /** Told of what fails when an event has left. */
  readonly failed: (error: unknown) => void
}

/**
 * The messages of a topic as they become ready, each leased only when it may leave. Ends when the call does, or when the
 * node drains; what was leased and has not left is ready again at once.
 * @throws OapError `not_ready` when the mailbox closes under it.
 */
export async function* subscription(
  mailbox: Mailbox,
  call: Call,
  { failed, ...options }: SubscriptionOptions
): AsyncGenerator<MailboxDelivery, void> {
  const { isExplicit } = options
  const { signal: ended } = call
  const signal = AbortSignal.any([ended, mailbox.stopped])
  const outstanding = new Outstanding(isExplicit ? options : undefined)
  let taken: readonly Taken[] = []
  let left = 0
  try {
    for (;;) {
      await outstanding.room(signal)
      await creditRoom(call.credit, signal)
      if (signal.aborted) {
        const { reason } = mailbox.stopped as { readonly reason: unknown }
        if (!ended.aborted && reason instanceof OapError) throw reason
        return
      }
      taken = await mailbox.take({
        ...options,
        most: Math.min(AT_ONCE, outstanding.messages),
        mostBytes: Math.min(AT_ONCE_BYTES, outstanding.bytes),
        waitMs: undefined,
        signal,
        credit: call.credit && creditOf(call.credit),
        onLeaseOver: message => outstanding.over(message.bytes)
      })
      left = 0
      for (const { message } of taken) outstanding.begin(message.bytes)
      let lacksCredit = false
      for (const one of taken) {
        lacksCredit = !mayLeave(call.credit, one)
        // A subscriber that is slow to read must not get leases that are as good as over.
        if (signal.aborted || lacksCredit || !mailbox.isFresh(one, options.visibilityMs)) break
        // An explicit lease that did not leave after all passes by itself.
        if (isExplicit) left++
        yield mailbox.delivery(one, isExplicit)
        // Without a lease it is only gone when it did leave.
        if (!isExplicit && ended.aborted) return
        if (!isExplicit) left++
        mailbox.written([one], isExplicit).catch(failed)
      }
      const kept = taken.slice(left)
      taken = []
      mailbox.release(kept)
      if (lacksCredit) await creditChange(call.credit, signal)
    }
  } finally {
    mailbox.release(taken.slice(left))
  }
}

const bytesOf = ({ topic, meta, body }: StoredMessage): number =>
  HEADER_BYTES + topic.length + meta.length + body.length

const mayLeave = (credit: EventCredit | undefined, { message }: Taken): boolean =>
  credit === undefined || credit.allows(bytesOf(message))

const creditOf = (credit: EventCredit): NonNullable<Taking['credit']> => ({
  admits(messages) {
    let bytes = 0
    const first = messages.findIndex(message => {
      const before = bytes
      bytes += bytesOf(message)
      return !credit.allows(bytesOf(message), before)
    })
    return first < 0 ? messages.length : first
  },
  changed: () => credit.changed()
})

async function creditRoom(credit: EventCredit | undefined, signal: AbortSignal): Promise<void> {
  while (credit !== undefined && !signal.aborted && !credit.allows(1)) await creditChange(credit, signal)
}

function creditChange(credit: EventCredit | undefined, signal: AbortSignal): Promise<void> {
  if (credit === undefined || signal.aborted) return Promise.resolve()
  return new Promise(resolve => {
    const end = (): void => {
      signal.removeEventListener('abort', end)
      resolve()
    }
    signal.addEventListener('abort', end, { once: true })
    void credit.changed().then(end)
  })
}
