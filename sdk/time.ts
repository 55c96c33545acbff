/** Time and chance, as arguments. */
export interface Time {
  /** Milliseconds that never go back. */
  now(): number
  /** Unix milliseconds. */
  wall(): number
  /** From 0 to 1. */
  random(): number
  /** Runs `run` later, without keeping the process alive; yields what forgets it. */
  later(run: () => void, ms: number): () => void
  /** Resolves later, at once when `signal` aborts; the process lives on for it. */
  pause(ms: number, signal?: AbortSignal): Promise<void>
}

export const realTime: Time = {
  now: () => performance.now(),
  wall: () => Date.now(),
  random: () => Math.random(),
  later: (run, ms) => {
    const timer: unknown = setTimeout(run, ms)
    if (typeof timer === 'object' && timer !== null && 'unref' in timer && typeof timer.unref === 'function')
      timer.unref()
    return () => clearTimeout(timer as number)
  },
  pause: (ms, signal) =>
    new Promise(resolve => {
      const done = (): void => {
        clearTimeout(timer)
        signal?.removeEventListener('abort', done)
        resolve()
      }
      const timer = setTimeout(done, ms)
      signal?.addEventListener('abort', done, { once: true })
      if (signal?.aborted === true) done()
    })
}
