import { answerParent } from '../harness/answering.ts'
import { amountPerSecond } from '../harness/kernel.ts'
import { quantile } from '../harness/statistics.ts'
import { capabilityKernels, verifyMicros } from './capability-kernels.ts'

const kernels = new Map(capabilityKernels().map(kernel => [kernel.name, kernel]))

answerParent({
  names: () => [...kernels.keys()],
  run: ({ name, forMs }: { name: string; forMs: number }) => amountPerSecond(kernels.get(name)!, forMs),
  latency: ({ count }: { count: number }) => {
    const micros = verifyMicros(count)
    return { p50: quantile(micros, 0.5), p99: quantile(micros, 0.99) }
  }
})
