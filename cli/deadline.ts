import { CommandError } from './command-error.ts'
import { EXIT } from './exit-codes.ts'

/** `promise`, or an `unreachable` that names the subject when it takes longer than `ms`. */
export async function withDeadline<T>(promise: Promise<T>, ms: number, subject: string): Promise<T> {
  const late = Promise.withResolvers<never>()
  const message = `${subject}: no answer within ${ms / 1000} s; it may be overloaded, try again`
  const timer = setTimeout(() => late.reject(new CommandError(EXIT.unreachable, message)), ms)
  try {
    return await Promise.race([promise, late.promise])
  } finally {
    clearTimeout(timer)
  }
}
