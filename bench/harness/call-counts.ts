import { OapError } from 'omnigate/sdk'

/** How often something happened, by a name such as `echo echo 0` or `quota_tenant`. */
export type Counts = Readonly<Record<string, number>>

/** What callers saw, as it passes between processes. */
export interface SeenCalls {
  /** By service, operation and status, 0 for success. */
  readonly answers: Counts
  /** By code. */
  readonly refusals: Counts
}

/** Counts the calls of a client by how they were answered. */
export class CallCounts {
  readonly #answers: Record<string, number> = {}
  readonly #refusals: Record<string, number> = {}

  /** Waits for a call and notes how it was answered; rejects as it did. */
  async noted<T>(service: string, operation: string, call: Promise<T>): Promise<T> {
    try {
      const value = await call
      add(this.#answers, `${service} ${operation} 0`)
      return value
    } catch (error) {
      if (error instanceof OapError) {
        add(this.#answers, `${service} ${operation} ${error.status}`)
        add(this.#refusals, error.code)
      }
      throw error
    }
  }

  seen(): SeenCalls {
    return { answers: this.#answers, refusals: this.#refusals }
  }
}

/** What a node has counted so far, in the same names: from the text of its metrics. */
export function countedCalls(metrics: string): SeenCalls {
  const answers: Record<string, number> = {}
  const refusals: Record<string, number> = {}
  for (const line of metrics.split('\n')) {
    const [, name, labels = '', value] = /^(\w+)\{(.*)\} (\d+)$/.exec(line) ?? []
    const label = (of: string): string => new RegExp(`${of}="([^"]*)"`).exec(labels)?.[1] ?? ''
    if (name === 'requests_total')
      add(answers, `${label('service')} ${label('operation')} ${label('status')}`, Number(value))
    if (name === 'rejected_total') add(refusals, label('reason'), Number(value))
  }
  return { answers, refusals }
}

/** All names under which two sides counted differently, with both numbers. */
export function differences(seen: SeenCalls, counted: SeenCalls): readonly string[] {
  return [...differing(seen.answers, counted.answers), ...differing(seen.refusals, counted.refusals)]
}

/** The sum of what several callers saw. */
export function together(all: readonly SeenCalls[]): SeenCalls {
  const answers: Record<string, number> = {}
  const refusals: Record<string, number> = {}
  for (const seen of all) {
    for (const [name, times] of Object.entries(seen.answers)) add(answers, name, times)
    for (const [name, times] of Object.entries(seen.refusals)) add(refusals, name, times)
  }
  return { answers, refusals }
}

function differing(seen: Counts, counted: Counts): string[] {
  const names = new Set([...Object.keys(seen), ...Object.keys(counted)])
  return [...names]
    .filter(name => (seen[name] ?? 0) !== (counted[name] ?? 0))
    .map(name => `${name}: the callers saw ${seen[name] ?? 0}, the node counted ${counted[name] ?? 0}`)
}

function add(counts: Record<string, number>, name: string, times = 1): void {
  counts[name] = (counts[name] ?? 0) + times
}
