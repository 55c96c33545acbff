import { readdirSync } from 'node:fs'
import { setTimeout as sleep, setImmediate as nextTurn } from 'node:timers/promises'

/** Later ones take what finalizers let go of. */
const COLLECTIONS = 4
/** Two pauses of more than 250 ms in a row are overload for a node, rightly. It sees the next one as another after this. */
const LONG_PAUSE_MS = 200
const BETWEEN_LONG_PAUSES_MS = 600

/** What one process holds, and what went astray in it since it started. */
export interface ProcessReading {
  readonly rssBytes: number
  /** After garbage was collected, when the reading asked for that. */
  readonly heapBytes: number
  /** Buffers outside the heap, which go with the objects that hold them. */
  readonly externalBytes: number
  readonly fds: number
  /** Active resources of the event loop by kind. */
  readonly handles: Readonly<Record<string, number>>
  readonly strays: readonly string[]
}

const strays: string[] = []

/** From now on unhandled rejections, uncaught exceptions and leak warnings are kept for readings, and written to stderr. */
export function watchForStrays(): void {
  process.on('unhandledRejection', reason => stray('unhandled rejection', reason))
  process.on('uncaughtException', error => stray('uncaught exception', error))
  process.on('warning', warning => {
    if (warning.name === 'MaxListenersExceededWarning') stray('too many listeners', warning)
  })
}

function stray(kind: string, error: unknown): void {
  const text = `${kind}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`
  strays.push(text)
  console.error(text)
}

/** With `collect`, garbage is collected first: the process must run with `--expose-gc`. */
export async function readProcess({ collect }: { readonly collect: boolean }): Promise<ProcessReading> {
  for (let i = 0; collect && i < COLLECTIONS; i++) {
    if (globalThis.gc === undefined) throw new Error('start this process with node --expose-gc')
    const began = performance.now()
    globalThis.gc()
    if (performance.now() - began > LONG_PAUSE_MS) await sleep(BETWEEN_LONG_PAUSES_MS)
    else await nextTurn()
  }
  const { rss, heapUsed, external } = process.memoryUsage()
  return {
    rssBytes: rss,
    heapBytes: heapUsed,
    externalBytes: external,
    fds: openFiles(),
    handles: activeHandles(),
    strays: [...strays]
  }
}

/** Reading the folder takes a descriptor of its own. */
const openFiles = (): number => readdirSync('/proc/self/fd').length - 1

function activeHandles(): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const kind of process.getActiveResourcesInfo()) counts[kind] = (counts[kind] ?? 0) + 1
  return counts
}
