/** What `protocols/` needs of its surroundings, so that it runs in Node and in browsers. */
export interface Platform {
  /** Milliseconds that never go back. */
  now(): number
  setTimer(run: () => void, ms: number): unknown
  clearTimer(timer: unknown): void
  /** Runs `run` once this turn of the event loop is over. */
  afterTurn(run: () => void): void
  /**
   * The content of one zstd frame; undefined as soon as more than `maxBytes` come out.
   * Throws for bytes that are not zstd. Absent where COMP is not spoken.
   */
  inflate?(bytes: Uint8Array, maxBytes: number): Uint8Array | undefined
  /** One zstd frame of `bytes`. */
  deflate?(bytes: Uint8Array): Uint8Array
}

/** A platform of what every JavaScript runtime has: no COMP. */
export const plainPlatform: Platform = {
  now: () => performance.now(),
  setTimer: (run, ms) => unref(setTimeout(run, ms)),
  clearTimer: timer => clearTimeout(timer as number),
  afterTurn:
    typeof setImmediate === 'function' ? run => void setImmediate(run) : run => void setTimeout(run, 0)
}

function unref(timer: unknown): unknown {
  if (typeof timer === 'object' && timer !== null && 'unref' in timer && typeof timer.unref === 'function')
    timer.unref()
  return timer
}
