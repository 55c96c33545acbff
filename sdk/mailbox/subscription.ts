import { OapError, clampRetryAfter } from '../../protocols/index.ts'
import type { CallOptions, MailboxDelivery } from '../../protocols/index.ts'
import type { Calls, HubCallOptions } from '../calls.ts'
import { backoff, isPassing } from '../retry.ts'

/** What the reader gets of a delivery and the call that brought it. */
type Shown<T> = (delivered: MailboxDelivery, corrId: bigint) => T
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
  for (;;) {
    const used = calls.cap
    let ending: unknown
    try {
      let corrId = 0n
      const onOpen = (id: bigint): void => void (corrId = id)
      const events = await calls.streamed({ ...options, onOpen }, true, open)
      for await (const delivered of events) {
        failures = 0
        yield shown(delivered, corrId)
      }
    } catch (error) {
      signal.throwIfAborted()
      // A capability that was replaced and refused again is not mended by another.
      const isMended = failures === 0 && options.cap === undefined && (await calls.mend(error, used))
      if (!isMended && !isPassing(error)) throw error
      ending = error
    }
    const asked = ending instanceof OapError ? ending.retryAfterMs : undefined
    const wait = backoff(++failures, time.random(), policy)
    await time.pause(Math.max(wait, asked === undefined ? 0 : clampRetryAfter(asked)), signal)
    signal.throwIfAborted()
  }
}
