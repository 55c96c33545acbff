import type { TestContext } from 'node:test'
import { AbstractLevel } from 'abstract-level'

const METHODS = ['get', 'getMany', 'getSync', 'has', 'iterator', 'keys', 'values'] as const
/** So often the least has to come. */
const TIMES = 3
const ASKED_MOST = 300

/**
 * Counts how often the stores of this process are looked into, by method, while something is asked. What they do beside it
 * only adds: it is asked until the least of all has come three times.
 */
export function lookups(t: TestContext): (ask: () => Promise<unknown>) => Promise<readonly number[]> {
  const methods = METHODS.map(name => t.mock.method(AbstractLevel.prototype, name))
  return async ask => {
    let least = methods.map(() => Infinity)
    let came = 0
    for (let asked = 0; asked < ASKED_MOST; asked++) {
      for (const { mock } of methods) mock.resetCalls()
      await ask()
      const seen = methods.map(({ mock }) => mock.callCount())
      if (seen.some((count, at) => count < least[at]!)) came = 0
      least = least.map((count, at) => Math.min(count, seen[at]!))
      if (seen.every((count, at) => count === least[at])) came++
      if (came === TIMES) return least
    }
    throw new Error(`no ${TIMES} of ${ASKED_MOST} alike`)
  }
}
