import { setFlagsFromString } from 'node:v8'

/**
 * Lets the heap grow to four times what was alive when it was last marked. V8 would stay closer to it, and mark a node
 * with many connections about every second: a pause of 10 to 50 ms for every call, to save little.
 */
export function letHeapGrow(): void {
  setFlagsFromString('--heap-growing-percent=300')
}
