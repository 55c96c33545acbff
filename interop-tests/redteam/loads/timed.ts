import { setTimeout as sleep } from 'node:timers/promises'
import { OapError } from 'omnigate/protocols'
import type { Latency } from './honest-process.ts'

export interface TimedLatency extends Latency {
  /** How often by what the failed ones failed. */
  readonly failures: Readonly<Record<string, number>>
}

/** Has each of some workers work again and again for so long, with a pause after each time; yields how long it took. */
export async function timed<W>(
  workers: readonly W[],
  { seconds, everyMs }: { readonly seconds: number; readonly everyMs: number },
  work: (worker: W) => Promise<void>
): Promise<TimedLatency> {
  const until = performance.now() + seconds * 1000
  const taken: number[] = []
  let failed = 0
  const failures: Record<string, number> = {}
  const fail = (error: unknown): void => {
    failed++
    const name = error instanceof OapError ? `${error.status} ${error.code}` : String(error)
    failures[name] = (failures[name] ?? 0) + 1
  }
  await Promise.all(
    workers.map(async worker => {
      while (performance.now() < until) {
        const since = performance.now()
        await work(worker).catch(fail)
        taken.push(performance.now() - since)
        await sleep(everyMs)
      }
    })
  )
  taken.sort((a, b) => a - b)
  const at = (part: number): number => taken[Math.floor(taken.length * part)]!
  return { calls: taken.length, failed, p50Ms: at(0.5), p99Ms: at(0.99), failures }
}
