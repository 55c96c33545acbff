import { Problem } from '../http/index.ts'

/** An answer other than what was asked for. */
export class Refusal extends Problem {
  constructor(status: number, code: string, message: string, headers: Readonly<Record<string, string>> = {}) {
    super(code, message, { status, headers })
  }
}

/** The same for whatever is not there and whatever is not public. */
export const NOT_FOUND = (): Refusal =>
  new Refusal(404, 'not_found', 'nothing public here has this content id')
