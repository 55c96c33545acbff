import { answerParent } from '../harness/answering.ts'
import { amountPerSecond } from '../harness/kernel.ts'
import { interleaved } from '../harness/rounds.ts'
import { median, quantile } from '../harness/statistics.ts'
import { capabilityKernels, verifyMicros } from './capability-kernels.ts'

/** Short, so that what else runs on the machine meets all kernels alike. */
const SLICE_MS = 10
const kernels = capabilityKernels()

answerParent({
  /** Amount a second of each kernel, the median of slices that take turns. */
  round: async ({ slices }: { slices: number }) => {
    const rates = await interleaved(kernels, slices, async kernel => amountPerSecond(kernel, SLICE_MS))
    return Object.fromEntries([...rates].map(([{ name }, list]) => [name, median(list)]))
  },
  latency: ({ count }: { count: number }) => {
    const micros = verifyMicros(count)
    return { p50: quantile(micros, 0.5), p99: quantile(micros, 0.99) }
  }
})
