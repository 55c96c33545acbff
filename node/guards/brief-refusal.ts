import { OapError } from '../../protocols/index.ts'
import type { ErrorCode } from '../../protocols/index.ts'

/** A refusal without a stack trace, which is most of its cost: for what is refused because there is too much of it. */
export function briefRefusal(code: ErrorCode, message?: string): OapError {
  const { stackTraceLimit } = Error
  Error.stackTraceLimit = 0
  try {
    return new OapError(code, message)
  } finally {
    Error.stackTraceLimit = stackTraceLimit
  }
}
