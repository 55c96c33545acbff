import { ERRORS, OapError } from 'omnigate/protocols'
import { ConnectError } from 'omnigate/sdk'

/** The share of calls that must be answered. */
export const LEAST_AVAILABLE = 0.9999

const SERVER_FAULT = 500
/** An answer, and yet not to what was asked: the caller shall come again, or the time was over. */
const NOT_AVAILABLE: ReadonlySet<number> = new Set([ERRORS.slow_peer.status, ERRORS.quota_peer.status])

/** Calls outside of restarts, and those of them that got no answer in time, or were told to come again. */
export class Availability {
  readonly #missed: Record<string, number> = {}
  #calls = 0
  #failed = 0
  #inRestarts = 0

  /** A call that met an announced restart. */
  metRestart(): void {
    this.#inRestarts++
  }

  answered(): void {
    this.#calls++
  }

  /** A call of a kind that was refused or broke; a refusal of what is wrong with the request is an answer. */
  failed(kind: string, error: unknown): void {
    this.#calls++
    if (isAnswer(error)) return
    this.#failed++
    const key = `${kind}: ${codeOf(error)}`
    this.#missed[key] = (this.#missed[key] ?? 0) + 1
  }

  get calls(): number {
    return this.#calls
  }

  /** From 0 to 1; 1 where nobody called. */
  get share(): number {
    return this.#calls === 0 ? 1 : 1 - this.#failed / this.#calls
  }

  report() {
    const { calls, share } = this
    return { calls, share, missed: this.#missed, inRestarts: this.#inRestarts }
  }

  /** What to say of a node that was not there often enough. */
  violations(): string[] {
    if (this.#calls === 0) return ['no call was made']
    if (this.share >= LEAST_AVAILABLE) return []
    const percent = (this.share * 100).toFixed(3)
    return [
      `${this.#failed} of ${this.#calls} calls were not answered: ${percent} %, less than ${LEAST_AVAILABLE * 100} %`
    ]
  }
}

function isAnswer(error: unknown): boolean {
  return error instanceof OapError && error.status < SERVER_FAULT && !NOT_AVAILABLE.has(error.status)
}

function codeOf(error: unknown): string {
  return error instanceof OapError || error instanceof ConnectError ? error.code : 'unclear'
}
