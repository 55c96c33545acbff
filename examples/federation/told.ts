import { setTimeout as sleep } from 'node:timers/promises'

const LOOK_MS = 50

/** One line of the demonstration: the step, and what proves it. */
export function tell(step: string, text: string): void {
  console.log(`${step.padEnd(9)} ${text}`)
}

/** Rejects with what was promised and does not hold. */
export function must(holds: boolean, what: string): void {
  if (!holds) throw new Error(`it does not hold: ${what}`)
}

/** What `look` yields once it is something; looks again and again. Rejects after `withinMs`. */
export async function eventually<T>(
  what: string,
  look: () => Promise<T | undefined>,
  withinMs = 30_000
): Promise<T> {
  const end = performance.now() + withinMs
  for (;;) {
    const found = await look()
    if (found !== undefined) return found
    if (performance.now() > end) throw new Error(`${what} did not come about within ${withinMs} ms`)
    await sleep(LOOK_MS)
  }
}

/** The milliseconds since a moment of `performance.now()`, as `12 ms`. */
export const msSince = (since: number): string => `${(performance.now() - since).toFixed(0)} ms`

/** The beginning of an id, enough to tell it from the others on the screen. */
export const brief = (id: string): string => `${id.slice(0, 10)}..`
