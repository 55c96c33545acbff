import { CommandError } from './command-error.ts'
import { EXIT } from './exit-codes.ts'

/**
 * Runs `work` with a signal that Ctrl-C aborts, so that it can take away what it has begun, or keep it for the next time,
 * as `left` then says; the exit code is 130.
 */
export async function interruptible<T>(
  what: string,
  work: (signal: AbortSignal) => Promise<T>,
  left = 'nothing is left of it'
): Promise<T> {
  const stop = new AbortController()
  const onSignal = (): void => stop.abort(new CommandError(EXIT.interrupted, `${what}: interrupted; ${left}`))
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
  for (const signal of signals) process.on(signal, onSignal)
  try {
    return await work(stop.signal)
  } finally {
    for (const signal of signals) process.off(signal, onSignal)
  }
}
