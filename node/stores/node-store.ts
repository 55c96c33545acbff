import type { Level } from './level.ts'

const CHECK_INTERVAL_MS = 5000
const CHECK_KEY = 'check'

/**
 * The store of a running node, opened again when it fails. It fails when somebody closes it, or when it no longer takes
 * writes: a full disk is noticed within 5 s and not at the next message that must be kept.
 */
export class NodeStore {
  readonly #open: () => Promise<Level>
  #level: Level | undefined

  constructor(open: () => Promise<Level>) {
    this.#open = open
  }

  /** The open store; another after each failure, so ask each time. */
  get level(): Level {
    if (this.#level === undefined) throw new Error('the store is not open')
    return this.#level
  }

  /** Keeps the store open until `signal` aborts; rejects when it fails. */
  async run(started: () => void, signal: AbortSignal): Promise<void> {
    const level = await this.#open()
    this.#level = level
    started()
    try {
      await working(level, signal)
    } finally {
      this.#level = undefined
      await level.close()
    }
  }
}

function working(level: Level, signal: AbortSignal): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  // Unsynced, so it costs no disk flush; LevelDB refuses every write once one has failed.
  const check = setInterval(
    () => void level.put(CHECK_KEY, Uint8Array.of()).catch(reject),
    CHECK_INTERVAL_MS
  ).unref()
  level.once('closed', () => reject(new Error('the store was closed')))
  if (signal.aborted) resolve()
  else signal.addEventListener('abort', () => resolve(), { once: true })
  return promise.finally(() => clearInterval(check))
}
