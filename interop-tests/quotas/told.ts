/** What callers sent and what they were answered. */
export interface Told {
  calls: number
  /** How often each status came, 0 for success. */
  readonly statuses: Map<number, number>
  /** How often each error code came. */
  readonly codes: Map<string, number>
  bytesSent: number
  bytesReceived: number
}

export const nothingTold = (): Told => ({
  calls: 0,
  statuses: new Map(),
  codes: new Map(),
  bytesSent: 0,
  bytesReceived: 0
})

export function count<K>(map: Map<K, number>, key: K): void {
  map.set(key, (map.get(key) ?? 0) + 1)
}

/** The sum of what several callers noted. */
export function together(all: readonly Told[]): Told {
  const sum = nothingTold()
  for (const { calls, statuses, codes, bytesSent, bytesReceived } of all) {
    sum.calls += calls
    sum.bytesSent += bytesSent
    sum.bytesReceived += bytesReceived
    for (const [status, n] of statuses) sum.statuses.set(status, (sum.statuses.get(status) ?? 0) + n)
    for (const [code, n] of codes) sum.codes.set(code, (sum.codes.get(code) ?? 0) + n)
  }
  return sum
}

/** As it passes between processes, which know no maps. */
export type SentTold = Omit<Told, 'statuses' | 'codes'> & {
  readonly statuses: readonly [number, number][]
  readonly codes: readonly [string, number][]
}

export const sentTold = (told: Told): SentTold => ({
  ...told,
  statuses: [...told.statuses],
  codes: [...told.codes]
})

export const readTold = (sent: SentTold): Told => ({
  ...sent,
  statuses: new Map(sent.statuses),
  codes: new Map(sent.codes)
})
