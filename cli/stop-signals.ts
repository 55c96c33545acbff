/** The terminal, npm and the launcher may each deliver one Ctrl-C; within this time they mean the same. */
const SAME_SIGNAL_MS = 1000

export type SignalVerdict = 'stop' | 'same' | 'force'

/** Judges signals by the time at which they come: the first stops, one much later no longer waits. */
export function signalJudge(): (nowMs: number) => SignalVerdict {
  let firstMs: number | undefined
  return nowMs => {
    if (firstMs === undefined) {
      firstMs = nowMs
      return 'stop'
    }
    return nowMs - firstMs < SAME_SIGNAL_MS ? 'same' : 'force'
  }
}

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/**
 * Resolves with the first signal that ends a process; `force` is called for one that no longer waits. It listens until
 * the process is gone: the second half of one Ctrl-C may come when the work is done, and would kill a process that no
 * longer listens.
 */
export function stopSignal(force: () => void): Promise<NodeJS.Signals> {
  const judge = signalJudge()
  const { promise: stop, resolve } = Promise.withResolvers<NodeJS.Signals>()
  const onSignal = (signal: NodeJS.Signals): void => {
    const verdict = judge(performance.now())
    if (verdict === 'stop') resolve(signal)
    if (verdict === 'force') force()
  }
  for (const signal of SIGNALS) process.on(signal, onSignal)
  return stop
}
