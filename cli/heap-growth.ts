import { setFlagsFromString } from 'node:v8'

/**
 * Lets the heap grow to four times what was alive when it was last marked. V8 would stay closer to it, and mark a node
 * with many connections about every second: a pause of 10 to 50 ms for every call, to save little.
 */
export function letHeapGrow(): void {
  setFlagsFromString('--heap-growing-percent=300')
}

/** Lets the young generation grow under load. The launcher holds it small while a node's code is loaded. */
export function letYoungHeapGrow(): void {
  setFlagsFromString('--semi-space-growth-factor=2')
}
