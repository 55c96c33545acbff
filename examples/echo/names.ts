import { newTraceparent } from 'omnigate/sdk'

/** What finds a call: `corr_id` in the logs of both sides, the trace wherever the call led to others. */
export function namesOf(corrId: bigint | undefined, traceparent?: string): string {
  const corr = corrId === undefined ? '?' : corrId.toString(16).padStart(16, '0')
  const trace = traceparent?.split('-')[1]
  return trace === undefined ? `corr_id=${corr}` : `corr_id=${corr} trace=${trace}`
}

/** A call with a trace of its own, which learns its corr_id on the way. */
export class Traced {
  readonly #trace = newTraceparent()
  #corrId: bigint | undefined

  get options() {
    return { trace: this.#trace, onOpen: (corrId: bigint): void => void (this.#corrId = corrId) }
  }

  get names(): string {
    return namesOf(this.#corrId, this.#trace)
  }
}
