import { setTimeout as sleep } from 'node:timers/promises'
import { rssBytesOf } from './process-files.ts'

const COLLECTIONS = 4
const BETWEEN_MS = 250

/** Resident bytes of this process once garbage is gone; needs `--expose-gc`. */
export async function settledRss(): Promise<number> {
  const collect = globalThis.gc
  if (collect === undefined) throw new Error('settled memory: start the process with --expose-gc')
  for (let i = 0; i < COLLECTIONS; i++) {
    await sleep(BETWEEN_MS)
    await collect({ execution: 'async', type: 'major' })
  }
  return rssBytesOf(process.pid)
}
