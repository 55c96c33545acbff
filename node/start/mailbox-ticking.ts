import type { Mailbox } from '../mailbox/index.ts'
import type { Level } from '../stores/level.ts'
import type { LevelMailboxStore } from '../stores/mailbox/index.ts'

const TICK_MS = 100

export interface Ticked {
  readonly level: Pick<Level, 'status' | 'once'>
  readonly messages: Pick<LevelMailboxStore, 'failure'>
  /** Told of the first of the ticks in a row that failed. */
  readonly missed: (error: unknown) => void
}

/**
 * Ticks until `signal` aborts; rejects when the store has failed or is closed. A tick that fails over a store that works
 * ends nothing: what it did not do is due at the next one.
 */
export function ticking(
  mailbox: Pick<Mailbox, 'tick'>,
  { level, messages, missed }: Ticked,
  signal: AbortSignal
): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const closed = (): void => reject(new Error('the store was closed'))
  if (level.status === 'open') level.once('closing', closed)
  else closed()
  let isMissing = false
  const tick = async (): Promise<void> => {
    try {
      await mailbox.tick(Date.now())
      isMissing = false
    } catch (error) {
      if (messages.failure === undefined && !isMissing) missed(error)
      isMissing = true
    }
  }
  const timer = setInterval(() => {
    const { failure } = messages
    if (failure === undefined) void tick()
    else reject(new Error('the mailbox store failed', { cause: failure }))
  }, TICK_MS).unref()
  signal.addEventListener('abort', () => resolve(), { once: true })
  if (signal.aborted) resolve()
  return promise.finally(() => clearInterval(timer))
}
