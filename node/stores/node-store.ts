import type { Level } from './level.ts'
import { isDiskFull } from './disk-full.ts'
import { endAtFailedWrite } from './one-write.ts'

const CHECK_INTERVAL_MS = 5000
const CHECK_KEY = 'check'

/**
 * The store of a running node, opened again when it fails. It fails when somebody closes it, or when one write failed,
 * whosever it was: what LevelDB writes after that is lost although it says it is durable. A full disk is noticed within 5 s
 * and not at the next message that must be kept.
 */
export class NodeStore {
  readonly #open: () => Promise<Level>
  #level: Level | undefined
  #failure: unknown
  #next = Promise.withResolvers<Level>()

  constructor(open: () => Promise<Level>) {
    this.#open = open
  }

  /** The open store; another after each failure, so ask each time. */
  get level(): Level {
    if (this.#level === undefined) throw new Error('the store is not open')
    return this.#level
  }

  /** Whether it is closed because the disk has no room. */
  get isDiskFull(): boolean {
    return this.#level === undefined && isDiskFull(this.#failure)
  }

  /** The store as soon as it is open. It is closing when it emits `closing`. Rejects when `signal` aborts first. */
  async opened(signal: AbortSignal): Promise<Level> {
    signal.throwIfAborted()
    const { promise, reject } = Promise.withResolvers<never>()
    const aborted = (): void => reject(signal.reason)
    signal.addEventListener('abort', aborted, { once: true })
    try {
      return await Promise.race([this.#next.promise, promise])
    } finally {
      signal.removeEventListener('abort', aborted)
    }
  }

  /** Keeps the store open until `signal` aborts; rejects when it fails. */
  async run(started: () => void, signal: AbortSignal): Promise<void> {
    try {
      await this.#run(started, signal)
    } catch (error) {
      this.#failure = error
      throw error
    }
  }

  async #run(started: () => void, signal: AbortSignal): Promise<void> {
    const level = await this.#open()
    this.#failure = undefined
    const failed = Promise.withResolvers<never>()
    failed.promise.catch(() => undefined)
    endAtFailedWrite(level, error => {
      this.#failure = error
      this.#forget(level)
      failed.reject(error)
    })
    level.once('closing', () => this.#forget(level))
    this.#level = level
    this.#next.resolve(level)
    started()
    try {
      await Promise.race([working(level, signal), failed.promise])
    } finally {
      this.#forget(level)
      await level.close()
    }
  }

  #forget(level: Level): void {
    if (this.#level !== level) return
    this.#level = undefined
    this.#next = Promise.withResolvers<Level>()
  }
}

function working(level: Level, signal: AbortSignal): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  // Unsynced, so it costs no disk flush.
  const check = setInterval(
    () => void level.put(CHECK_KEY, Uint8Array.of()).catch(reject),
    CHECK_INTERVAL_MS
  ).unref()
  level.once('closed', () => reject(new Error('the store was closed')))
  if (signal.aborted) resolve()
  else signal.addEventListener('abort', () => resolve(), { once: true })
  return promise.finally(() => clearInterval(check))
}
