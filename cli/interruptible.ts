import { CommandError } from './command-error.ts'
import { EXIT } from './exit-codes.ts'

/** Runs `work` with a signal that Ctrl-C aborts, so that it can take away what it has begun; the exit code is then 130. */
export async function interruptible<T>(what: string, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const stop = new AbortController()
  const onSignal = (): void =>
    stop.abort(new CommandError(EXIT.interrupted, `${what}: interrupted; nothing is left of it`))
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
  for (const signal of signals) process.on(signal, onSignal)
  try {
    return await work(stop.signal)
  } finally {
    for (const signal of signals) process.off(signal, onSignal)
  }
}
