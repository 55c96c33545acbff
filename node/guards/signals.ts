import { statfs } from 'node:fs/promises'
import { getHeapStatistics } from 'node:v8'
import type { LateCalls } from './late-calls.ts'
import type { LoopWatch } from './loop-delay.ts'
import type { Signal, Threshold } from './pressure.ts'

const DISK_INTERVAL_MS = 5000
const MIB = 1024 * 1024

const percent = (enter: number, leave: number): Threshold => ({ enter, leave })

/** How long a turn of the event loop is delayed, in milliseconds at worst since it was last asked. */
export const eventLoopSignal = (delay: Pick<LoopWatch, 'take'>, now: () => number): Signal => ({
  name: 'event_loop_ms',
  read: () => delay.take(now()),
  writes: { enter: 250, leave: 60 },
  calls: { enter: 1000, leave: 250 }
})

/** Open calls in percent of what the node takes. */
export const inFlightSignal = (callsOpen: () => number, mostCalls: number): Signal => ({
  name: 'calls_percent',
  read: () => (callsOpen() / mostCalls) * 100,
  writes: percent(80, 60),
  calls: percent(100, 80)
})

/** Calls refused for having come too late, in percent of those of the turns that were looked at. */
export const lateSignal = (late: Pick<LateCalls, 'takeRefusedPercent'>): Signal => ({
  name: 'late_percent',
  read: () => late.takeRefusedPercent(),
  ready: percent(50, 10)
})

/** Used heap in percent of what V8 may take: shed before the process runs out of it. */
export const heapSignal = (): Signal => ({
  name: 'heap_percent',
  read() {
    const { used_heap_size: used, heap_size_limit: most } = getHeapStatistics()
    return (used / most) * 100
  },
  writes: percent(75, 65),
  calls: percent(88, 75)
})

/** What lacks of the free disk space that writes need, in MiB; nothing is asked more often than every 5 s. */
export function diskSignal(
  folder: string,
  freeBytes: number,
  now: () => number,
  free: (folder: string) => Promise<number> = freeBytesOf
): Signal {
  let lacking = 0
  let askedAt = -Infinity
  return {
    name: 'disk_lacking_mib',
    refusal: 'disk_full',
    read() {
      if (now() - askedAt >= DISK_INTERVAL_MS) {
        askedAt = now()
        free(folder).then(
          bytes => (lacking = Math.max(0, Math.ceil((freeBytes - bytes) / MIB))),
          () => undefined
        )
      }
      return lacking
    },
    writes: { enter: 1, leave: 0 }
  }
}

async function freeBytesOf(folder: string): Promise<number> {
  const { bavail, bsize } = await statfs(folder)
  return bavail * bsize
}

/** Notes how long durable writes take, and tells the longest since it was last asked, one still under way included. */
export class StoreLatency {
  readonly #now: () => number
  readonly #open = new Set<{ readonly at: number }>()
  #longest = 0

  constructor(now: () => number) {
    this.#now = now
  }

  measure<T>(write: () => Promise<T>): Promise<T> {
    const one = { at: this.#now() }
    this.#open.add(one)
    const over = (): void => {
      this.#open.delete(one)
      this.#longest = Math.max(this.#longest, this.#now() - one.at)
    }
    const writing = write()
    writing.then(over, over)
    return writing
  }

  readonly signal: Signal = {
    name: 'store_ms',
    read: () => {
      const [oldest] = this.#open
      const waiting = oldest === undefined ? 0 : this.#now() - oldest.at
      const longest = Math.max(this.#longest, waiting)
      this.#longest = 0
      return longest
    },
    writes: { enter: 1000, leave: 200 }
  }
}
