import { OapError } from '../../protocols/index.ts'

/** An answer other than what was asked for. */
export class Refusal extends Error {
  readonly status: number
  readonly code: string
  readonly headers: Readonly<Record<string, string>>

  constructor(status: number, code: string, message: string, headers: Readonly<Record<string, string>> = {}) {
    super(message)
    this.status = status
    this.code = code
    this.headers = headers
  }
}

/** The same for whatever is not there and whatever is not public. */
export const NOT_FOUND = (): Refusal =>
  new Refusal(404, 'not_found', 'nothing public here has this content id')

/** What the caller is told of an error; undefined for one that is none of its business. */
export function refusalOf(error: unknown): Refusal | undefined {
  if (error instanceof Refusal) return error
  if (!(error instanceof OapError) || error.status === 500) return undefined
  const { status, code, message, retryAfterMs } = error
  const seconds = retryAfterMs === undefined ? undefined : Math.max(1, Math.ceil(retryAfterMs / 1000))
  return new Refusal(status, code, message, seconds === undefined ? {} : { 'retry-after': String(seconds) })
}
