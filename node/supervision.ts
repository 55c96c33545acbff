import { setTimeout as delay } from 'node:timers/promises'
import type { Log } from './log.ts'

const FIRST_DELAY_MS = 100
const LONGEST_DELAY_MS = 30_000
const CRASH_WINDOW_MS = 60_000
const CRASHES_THAT_MATTER = 5

export type CrashReason = 'crash_exception' | 'crash_store' | 'crash_listener' | 'crash_start'

/** A part of the node that lives as long as its `run`. */
export interface SupervisedPart {
  /** Its name in metrics, log and readiness. */
  readonly service: string
  /** What a crash after `started` counts as. */
  readonly crashReason: Exclude<CrashReason, 'crash_start'>
  /**
   * Calls `started` once it works, and returns when `signal` aborts. Throwing is a crash, before `started` a
   * `crash_start`; returning by itself is a clean end and is not restarted.
   */
  run(started: () => void, signal: AbortSignal): Promise<void>
}

/** Time as supervision sees it. `sleep` resolves early when the signal aborts. */
export interface Clock {
  now(): number
  sleep(ms: number, signal: AbortSignal): Promise<void>
}

/** The machine's monotonic time. */
export const systemClock: Clock = {
  now: () => performance.now(),
  sleep: (ms, signal) => delay(ms, undefined, { signal }).catch(() => undefined)
}

export interface Supervision {
  readonly clock: Clock
  readonly log: Log
  readonly metrics: { crashed(service: string, reason: CrashReason): void }
}

export type PartState = 'starting' | 'running' | 'waiting' | 'stopped'

export interface PartStatus {
  readonly service: string
  readonly state: PartState
  readonly restarts: number
  /** False while it is not running, and after 5 crashes in 60 s until that minute has passed. */
  readonly ready: boolean
}

/** How long to wait after a crash: 100 ms, doubled for each crash of the last minute before it, at most 30 s. */
export function restartDelayMs(crashesInWindow: number): number {
  return Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** Math.max(0, crashesInWindow - 1))
}

/**
 * Runs a part and restarts it when it crashes. Each crash is one line of log with the event `ServiceCrashed` and one
 * count in the metrics; a stop that was asked for is neither.
 */
export class Supervisor implements AsyncDisposable {
  readonly #part: SupervisedPart
  readonly #supervision: Supervision
  readonly #stop = new AbortController()
  #state: PartState = 'stopped'
  #restarts = 0
  #crashes: number[] = []
  #life: Promise<void> | undefined
  readonly #up = Promise.withResolvers<void>()

  constructor(part: SupervisedPart, supervision: Supervision) {
    this.#part = part
    this.#supervision = supervision
  }

  get status(): PartStatus {
    const recent = this.#recentCrashes().length
    return {
      service: this.#part.service,
      state: this.#state,
      restarts: this.#restarts,
      ready: this.#state === 'running' && recent < CRASHES_THAT_MATTER
    }
  }

  /**
   * Resolves once the part works; calling it again gives the same. A first start that fails is thrown to the caller,
   * not counted and not repeated. A part is started once: after `stop` it stays stopped.
   */
  start(): Promise<void> {
    this.#life ??= this.#live()
    return this.#up.promise
  }

  /** Resolves once the part has ended; safe to call twice. */
  async stop(): Promise<void> {
    this.#stop.abort()
    await this.#life
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }

  async #live(): Promise<void> {
    let everStarted = false
    const onStarted = () => {
      everStarted = true
      this.#up.resolve()
    }
    while (!this.#stop.signal.aborted) {
      const crash = await this.#runOnce(onStarted)
      if (crash === undefined) break
      if (!everStarted) {
        this.#up.reject(crash.thrown)
        break
      }
      await this.#supervision.clock.sleep(this.#count(crash), this.#stop.signal)
      if (!this.#stop.signal.aborted) this.#restarts++
    }
    this.#state = 'stopped'
    this.#up.resolve()
  }

  async #runOnce(onStarted: () => void): Promise<Crash | undefined> {
    this.#state = 'starting'
    const { signal } = this.#stop
    const isUp = () => this.#state === 'running'
    try {
      await this.#part.run(() => {
        this.#state = 'running'
        onStarted()
      }, signal)
      return undefined
    } catch (thrown) {
      if (signal.aborted) return undefined
      return { thrown, reason: isUp() ? this.#part.crashReason : 'crash_start' }
    }
  }

  #count({ thrown, reason }: Crash): number {
    const { clock, log, metrics } = this.#supervision
    this.#state = 'waiting'
    this.#crashes = [...this.#recentCrashes(), clock.now()]
    const { service } = this.#part
    const delayMs = restartDelayMs(this.#crashes.length)
    metrics.crashed(service, reason)
    log.error(
      { event: 'ServiceCrashed', service, reason, restarts: this.#restarts, delayMs, err: thrown },
      'crashed'
    )
    return delayMs
  }

  #recentCrashes(): number[] {
    const since = this.#supervision.clock.now() - CRASH_WINDOW_MS
    return this.#crashes.filter(at => at > since)
  }
}

interface Crash {
  readonly thrown: unknown
  readonly reason: CrashReason
}
