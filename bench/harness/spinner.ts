import { constants, setPriority } from 'node:os'
import { performance } from 'node:perf_hooks'
import { answerParent } from './answering.ts'

const SLICE_MS = 10
const LONGEST_MS = 10 * 60_000

setPriority(constants.priority.PRIORITY_LOW)
answerParent({ spinning: () => true })
setTimeout(() => process.exit(0), LONGEST_MS)
spin()

function spin(): void {
  const until = performance.now() + SLICE_MS
  while (performance.now() < until);
  setImmediate(spin)
}
