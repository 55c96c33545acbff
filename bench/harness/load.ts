import { performance } from 'node:perf_hooks'
import { quantile } from './statistics.ts'

/** The client half of an echo contender: one request out, `answered` called once when its answer is in. */
export interface EchoClient {
  request(answered: (error?: Error) => void): void
  /** What must be there for the requests to find, and is none of what is measured: called before each load. */
  prepare?(): Promise<void>
  close(): unknown
}

export interface LoadShape {
  readonly inFlight: number
  readonly forMs: number
}

export interface Load {
  readonly requests: number
  readonly seconds: number
  readonly cpuMicros: number
  readonly p50Micros: number
  readonly p99Micros: number
}

const MAX_LATENCIES = 1 << 20
const LAST_ANSWER_MS = 10_000

/** Keeps `inFlight` requests open for `forMs`, then waits for the last answers; CPU is this process's own. */
export async function runLoad(client: EchoClient, { inFlight, forMs }: LoadShape): Promise<Load> {
  await client.prepare?.()
  const latencies = new Float64Array(MAX_LATENCIES)
  const done = Promise.withResolvers<void>()
  const cpuBefore = process.cpuUsage()
  const started = performance.now()
  let answers = 0
  let open = 0

  const slot = () => {
    let sent = started
    const answered = (error?: Error) => {
      if (error !== undefined) return done.reject(error)
      const now = performance.now()
      if (answers < MAX_LATENCIES) latencies[answers] = now - sent
      answers++
      sent = now
      if (now - started < forMs) client.request(answered)
      else if (--open === 0) done.resolve()
    }
    open++
    client.request(answered)
  }
  for (let i = 0; i < inFlight; i++) slot()

  const stuck = setTimeout(
    () => done.reject(new Error(`${open} requests stay unanswered`)),
    forMs + LAST_ANSWER_MS
  )
  await done.promise.finally(() => clearTimeout(stuck))
  const seconds = (performance.now() - started) / 1000
  const { user, system } = process.cpuUsage(cpuBefore)
  const measured = latencies.subarray(0, Math.min(answers, MAX_LATENCIES))
  return {
    requests: answers,
    seconds,
    cpuMicros: user + system,
    p50Micros: quantile(measured, 0.5) * 1000,
    p99Micros: quantile(measured, 0.99) * 1000
  }
}
