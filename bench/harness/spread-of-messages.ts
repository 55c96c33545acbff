import { quantile } from './statistics.ts'

/** What one member sent in a phase. Times are microseconds of a clock that all processes share. */
export interface SentByOne {
  /** When each message was acknowledged, by its number; null where it was refused. */
  readonly acknowledged: readonly (number | null)[]
  /** When its first one was due. */
  readonly startMicros: number
}

/** A message that is at a member: who sent it, which of that one's it is, and since when it is there. */
export type Arrival = readonly [from: number, number: number, micros: number]

/** How the messages of one phase came to all other members. */
export interface MessageSpread {
  /** Messages that were acknowledged, and those that were not. */
  readonly sent: number
  readonly refused: number
  /** How long after the first was due the last was acknowledged. */
  readonly sendingMs: number
  /** One for each acknowledged message and each member that did not send it. */
  readonly due: number
  readonly missing: number
  /** Arrivals of what was there before. */
  readonly doubled: number
  /** From the acknowledgement until it was there; null where nothing came. */
  readonly p50Ms: number | null
  readonly p99Ms: number | null
}

const MICROS = 1000

export function spreadOfMessages(
  sent: readonly SentByOne[],
  arrived: readonly (readonly Arrival[])[]
): MessageSpread {
  const acknowledged = sent.map(one => one.acknowledged.filter(at => at !== null))
  const messages = acknowledged.reduce((sum, one) => sum + one.length, 0)
  const due = messages * (arrived.length - 1)
  const lateness: number[] = []
  let doubled = 0
  for (const at of arrived) {
    const seen = new Set<string>()
    for (const [from, number, micros] of at) {
      const since = sent[from]?.acknowledged[number]
      // What was refused may be there all the same: nobody was promised it.
      if (since === undefined || since === null) continue
      const name = `${from} ${number}`
      if (seen.has(name)) doubled++
      else lateness.push(Math.max(0, micros - since) / MICROS)
      seen.add(name)
    }
  }
  const last = sent.map(({ startMicros }, n) => Math.max(0, ...acknowledged[n]!.map(at => at - startMicros)))
  return {
    sent: messages,
    refused: sent.reduce((sum, one) => sum + one.acknowledged.length, 0) - messages,
    sendingMs: Math.max(0, ...last) / MICROS,
    due,
    missing: due - lateness.length,
    doubled,
    p50Ms: lateness.length === 0 ? null : quantile(lateness, 0.5),
    p99Ms: lateness.length === 0 ? null : quantile(lateness, 0.99)
  }
}
