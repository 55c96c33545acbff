import { answerParent } from '../harness/answering.ts'
import { amountPerSecond } from '../harness/kernel.ts'
import { codecKernels } from './codec-kernels.ts'

const kernels = new Map(codecKernels().map(kernel => [kernel.name, kernel]))

answerParent({
  names: () => [...kernels.keys()],
  run: ({ name, forMs }: { name: string; forMs: number }) => amountPerSecond(kernels.get(name)!, forMs)
})
