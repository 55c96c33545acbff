import { OapError } from '../../protocols/index.ts'
import type { CallOptions, MailboxDelivery } from '../../protocols/index.ts'
import type { Calls, HubCallOptions } from '../calls.ts'
import { askedWait, backoff, isPassing } from '../retry.ts'

/** What the reader gets of a delivery and the call that brought it. */
type Shown<T> = (delivered: MailboxDelivery, corrId: bigint) => T
/** A subscription that lived so long was in order: what ended it is no failure that follows others. */
const LIVED_MS = 10_000

type Open = (options: CallOptions) => Promise<AsyncIterable<MailboxDelivery>>

/**
 * Deliveries for as long as they are read: when the subscription ends for a reason that passes, or because the node
 * drains, it is opened again after a wait that grows, as often as it takes. Leaving the loop ends it at once.
 */
export function deliveries<T>(
  calls: Calls,
  options: HubCallOptions,
  open: Open,
  shown: Shown<T>
): AsyncGenerator<T, void> {
  const left = new AbortController()
  const signal = options.signal === undefined ? left.signal : AbortSignal.any([options.signal, left.signal])
  const pieces = again(calls, { ...options, signal }, open, shown)
  const leave = pieces.return.bind(pieces)
  pieces.return = value => {
    left.abort(new OapError('deadline', 'the reader left'))
    return leave(value)
  }
  return pieces
}

async function* again<T>(
  calls: Calls,
  options: HubCallOptions & { readonly signal: AbortSignal },
  open: Open,
  shown: Shown<T>
): AsyncGenerator<T, void> {
  const { signal } = options
  const { time, policy } = calls
  let failures = 0
  // True from a mending until the node takes the capability that it brought: refused anew, another would not do either.
  let isUnproved = false
  for (;;) {
    let used = calls.cap
    let openedAt = Infinity
    let ending: unknown
    try {
      const { events, corrId } = await calls.streamed(options, true, async (call, reading) => {
        used = options.cap ?? call.cap
        return { events: reading.of(await open(call)), corrId: reading.corrId! }
      })
      isUnproved = false
      openedAt = time.now()
      for await (const delivered of events) {
        failures = 0
        yield shown(delivered, corrId)
      }
    } catch (error) {
      signal.throwIfAborted()
      const isMended: boolean =
        !isUnproved && options.cap === undefined && (await calls.mend(error, used, signal))
      if (!isMended && !isPassing(error)) throw error
      isUnproved ||= isMended
      ending = error
    }
    if (time.now() - openedAt >= LIVED_MS) failures = 0
    const wait = backoff(++failures, time.random(), policy)
    await calls.pause(Math.max(wait, askedWait(ending)), signal)
  }
}
