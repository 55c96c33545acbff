import { setFlagsFromString } from 'node:v8'

const LOOK_MS = 1000
/** From so many connections on, marking all that is alive holds up many calls for long. */
const MANY_CONNECTIONS = 256
const FEW_PERCENT = 40
const MANY_PERCENT = 300

/**
 * By how much, in percent of what was alive when the heap was last marked, it may grow until it is marked again. V8 would
 * stay closer to it, and mark a node with many connections about every second: a pause of 10 to 50 ms for every call, to
 * save little. With few connections little is alive and marked soon, and what they can have a node allocate and drop,
 * as streams that are opened and abandoned, is kept within 64 MB.
 */
export const heapGrowthPercent = (connections: number): number =>
  connections < MANY_CONNECTIONS ? FEW_PERCENT : MANY_PERCENT

/** Lets the heap grow as the number of connections asks for, which is looked at once a second. */
export function letHeapGrow(connections: () => number): Disposable {
  let percent = 0
  const look = (): void => {
    const wanted = heapGrowthPercent(connections())
    if (wanted !== percent) setFlagsFromString(`--heap-growing-percent=${(percent = wanted)}`)
  }
  look()
  const timer = setInterval(look, LOOK_MS).unref()
  return { [Symbol.dispose]: () => clearInterval(timer) }
}

/** Lets the young generation grow under load. The launcher holds it small while a node's code is loaded. */
export function letYoungHeapGrow(): void {
  setFlagsFromString('--semi-space-growth-factor=2')
}
