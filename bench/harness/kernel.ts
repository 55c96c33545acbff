import { performance } from 'node:perf_hooks'

/** One piece of work in this process, timed by repetition. */
export interface Kernel {
  readonly name: string
  /** Does the work once and returns how much it was: frames, bytes, or 1. */
  run(): number
}

const CLOCK_EVERY_MS = 5

/** Amount of work a second over about `forMs`; the clock is read every few milliseconds, not at each repetition. */
export function amountPerSecond(kernel: Kernel, forMs: number): number {
  const started = performance.now()
  let batch = 1
  let amount = 0
  let now = started
  while (now - started < forMs) {
    const before = now
    for (let i = 0; i < batch; i++) amount += kernel.run()
    now = performance.now()
    if (now - before < CLOCK_EVERY_MS) batch *= 2
  }
  return (amount * 1000) / (now - started)
}
