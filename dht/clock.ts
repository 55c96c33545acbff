/** Time as look-ups, fetches and announcements see it. */
export interface Clock {
  /** Milliseconds that never go back. */
  nowMs(): number
  /** Calls back once that much time has passed, unless the function that it yields is called before. */
  after(ms: number, run: () => void): () => void
}

export const systemClock: Clock = {
  nowMs: () => performance.now(),
  after(ms, run) {
    const timer = setTimeout(run, Math.max(0, Math.ceil(ms)))
    return () => clearTimeout(timer)
  }
}
