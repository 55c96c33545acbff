import { SNAPSHOTS } from '../../federation/index.ts'
import type { OwnSnapshots } from './own-snapshots.ts'

const LOOK_MS = 1000
/** After one that could not be made. */
const AGAIN_S = 60
/** A newest one that lies further ahead was made while the clock was wrong. */
const AHEAD_S = 60
const DAY_S = 86_400
/** A snapshot outlives the next ones: so many may be missed. */
const INTERVALS = 3

/** How long one is good that is made every so many seconds. */
export const validFor = (everyS: number): number =>
  Math.min(SNAPSHOTS.mostValidS, Math.max(DAY_S, INTERVALS * everyS))

export interface KeepingOptions {
  readonly own: Pick<OwnSnapshots, 'newest' | 'make' | 'tidy'>
  /** When this hub began to make snapshots, in Unix seconds: the first one is due an interval later. */
  readonly sinceS: number
  readonly everyS: number
  readonly nowS: () => number
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>
  readonly failed: (error: unknown) => void
}

/** When the next one is due, in Unix seconds. */
export function dueS({ own, sinceS, everyS, nowS }: Omit<KeepingOptions, 'sleep' | 'failed'>): number {
  const created = own.newest?.held.created ?? sinceS
  return created > nowS() + AHEAD_S ? nowS() : created + everyS
}

/** Makes snapshots as they become due, until `signal` aborts; one that was missed at once. */
export async function keepMaking(options: KeepingOptions, signal: AbortSignal): Promise<void> {
  const { own, nowS, sleep, failed } = options
  let notBefore = 0
  let isTidy = false
  while (!signal.aborted) {
    try {
      if (nowS() >= Math.max(notBefore, dueS(options))) {
        await own.make('node')
        isTidy = false
      }
      if (!isTidy && nowS() >= notBefore) {
        await own.tidy()
        isTidy = true
      }
    } catch (error) {
      notBefore = nowS() + AGAIN_S
      if (!signal.aborted) failed(error)
    }
    await sleep(LOOK_MS, signal)
  }
}
