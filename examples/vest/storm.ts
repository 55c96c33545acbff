import { BusyError, DeadlineError, OapError } from 'omnigate/sdk'
import { Times } from './times.ts'

/** What many calls at once came to. */
export interface Storm {
  readonly times: Times
  readonly answered: number
  /** Refused, by status: 429 and 503. */
  readonly refused: ReadonlyMap<number, number>
  /** The shortest and longest time that a refusal asked to wait. */
  readonly waitMs: readonly [least: number, most: number]
  /** Calls whose deadline passed: they ended, at it. */
  readonly late: number
  /** Calls that ended in any other way, by code. */
  readonly others: ReadonlyMap<string, number>
}

/** Makes `count` calls at once, without waiting for any. */
export async function storm(count: number, call: (n: number) => Promise<unknown>): Promise<Storm> {
  const times = new Times(performance.now())
  const refused = new Map<number, number>()
  const others = new Map<string, number>()
  let [answered, late, least, most] = [0, 0, Infinity, 0]
  const one = async (n: number): Promise<void> => {
    const begun = performance.now()
    try {
      await call(n)
      answered++
    } catch (error) {
      if (error instanceof BusyError && error.retryAfterMs !== undefined) {
        refused.set(error.status, (refused.get(error.status) ?? 0) + 1)
        least = Math.min(least, error.retryAfterMs)
        most = Math.max(most, error.retryAfterMs)
      } else if (error instanceof DeadlineError) late++
      else {
        const code = error instanceof OapError ? error.code : String(error)
        others.set(code, (others.get(code) ?? 0) + 1)
      }
    }
    times.add(performance.now() - begun)
  }
  await Promise.all(Array.from({ length: count }, (_, n) => one(n)))
  return { times, answered, refused, waitMs: [least, most], late, others }
}

/** One line. */
export function stormText({ times, answered, refused, waitMs: [least, most], late, others }: Storm): string {
  const told = [
    `${times.count} calls`,
    `${answered} answered`,
    ...[429, 503].map(status => `${refused.get(status) ?? 0} with ${status}`),
    `${late} at their deadline`,
    ...[...others].map(([code, count]) => `${count} ${code}`)
  ]
  return `${told.join(', ')}; to wait ${refused.size === 0 ? 'for nothing' : `${least} to ${most} ms`}`
}
