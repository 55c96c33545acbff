import type { AuditLog } from './audit-log.ts'
import type { AuditRecorder } from './audit-recorder.ts'
import type { Retention } from './retention.ts'

export const CHECKPOINT_EVERY_MS = 1000
export const SUMMARY_EVERY_MS = 10_000
export const RETENTION_EVERY_MS = 600_000

export interface Upkeep {
  readonly log: AuditLog
  readonly recorder: AuditRecorder
  readonly retention?: Retention
  /** Hears what failed; the next turn tries again. */
  readonly failed: (error: unknown) => void
}

/** What there is to do at a time, in milliseconds of a clock that never goes back; each turn at most once at a time. */
export class UpkeepTurns {
  readonly #upkeep: Upkeep
  #summaryAt: number
  #retentionAt: number
  #running: Promise<void> | undefined

  constructor(upkeep: Upkeep, nowMs: number) {
    this.#upkeep = upkeep
    this.#summaryAt = nowMs + SUMMARY_EVERY_MS
    this.#retentionAt = nowMs + RETENTION_EVERY_MS
  }

  /** A checkpoint and, when they are due, summaries, seals and pruning. Joins a turn that still runs. */
  turn(nowMs: number): Promise<void> {
    this.#running ??= this.#turn(nowMs)
      .catch(this.#upkeep.failed)
      .finally(() => (this.#running = undefined))
    return this.#running
  }

  async #turn(nowMs: number): Promise<void> {
    const { log, recorder, retention } = this.#upkeep
    if (nowMs >= this.#summaryAt) {
      this.#summaryAt = nowMs + SUMMARY_EVERY_MS
      await recorder.flush()
    }
    await log.checkpoint()
    await log.seal()
    if (retention === undefined || nowMs < this.#retentionAt) return
    this.#retentionAt = nowMs + RETENTION_EVERY_MS
    await log.prune(retention)
  }
}

/** Keeps a log up by the machine's own clock, until it is stopped; a last flush is part of stopping. */
export function startUpkeep(upkeep: Upkeep): { stop(): Promise<void> } {
  const turns = new UpkeepTurns(upkeep, performance.now())
  const timer = setInterval(() => void turns.turn(performance.now()), CHECKPOINT_EVERY_MS)
  timer.unref()
  return {
    stop: async () => {
      clearInterval(timer)
      await turns.turn(performance.now())
      await upkeep.recorder.flush()
    }
  }
}
