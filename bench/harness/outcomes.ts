import { OapError } from 'omnigate/sdk'
import { quantile } from './statistics.ts'

/** The range in which a node may ask a refused caller to wait. */
const RETRY_MS = { least: 1000, most: 5000 }
const REFUSALS: ReadonlySet<number> = new Set([429, 503])
const MOST_TIMES = 1 << 18

/** What callers were told, as it passes between processes. */
export interface Told {
  readonly succeeded: number
  /** Calls that were told to come again, by code. */
  readonly refused: Readonly<Record<string, number>>
  /** Calls that ended in any other way. */
  readonly wrong: number
  /** How the first of them ended. */
  readonly firstWrong?: string
  /** Milliseconds from when a call was due until it succeeded; absent where none did. */
  readonly p50Ms?: number
  readonly p99Ms?: number
}

/** Counts how calls ended: with success, refused with a time to come again, or as no overload explains. */
export class Outcomes {
  readonly #times = new Float64Array(MOST_TIMES)
  readonly #refused: Record<string, number> = {}
  #succeeded = 0
  #wrong = 0
  #firstWrong: string | undefined

  get succeeded(): number {
    return this.#succeeded
  }

  success(ms: number): void {
    if (this.#succeeded < MOST_TIMES) this.#times[this.#succeeded] = ms
    this.#succeeded++
  }

  failure(error: unknown): void {
    if (isRefusal(error)) this.#refused[error.code] = (this.#refused[error.code] ?? 0) + 1
    else this.wrong(error instanceof Error ? error.message : String(error))
  }

  wrong(how: string, times = 1): void {
    if (times === 0) return
    this.#wrong += times
    this.#firstWrong ??= how
  }

  told(): Told {
    const times = this.#times.subarray(0, Math.min(this.#succeeded, MOST_TIMES))
    return {
      succeeded: this.#succeeded,
      refused: this.#refused,
      wrong: this.#wrong,
      ...(this.#firstWrong !== undefined && { firstWrong: this.#firstWrong }),
      ...(times.length > 0 && { p50Ms: quantile(times, 0.5), p99Ms: quantile(times, 0.99) })
    }
  }
}

function isRefusal(error: unknown): error is OapError {
  if (!(error instanceof OapError) || !REFUSALS.has(error.status)) return false
  const { retryAfterMs = 0 } = error
  return retryAfterMs >= RETRY_MS.least && retryAfterMs <= RETRY_MS.most
}

/** Refused calls of all codes. */
export const refusalsOf = ({ refused }: Pick<Told, 'refused'>): number =>
  Object.values(refused).reduce((sum, times) => sum + times, 0)
