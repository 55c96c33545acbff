import { availableParallelism } from 'node:os'
import { Child } from './child.ts'

/** Keeps every core awake with one process of the lowest priority each, until disposed or the bench ends. */
export async function startSpinners(): Promise<AsyncDisposable> {
  const script = new URL('./spinner.ts', import.meta.url)
  const spinners = Array.from({ length: availableParallelism() }, (_, i) =>
    Child.start(`spinner ${i}`, script, [])
  )
  await Promise.all(spinners.map(spinner => spinner.ask('spinning')))
  return {
    [Symbol.asyncDispose]: async () => {
      await Promise.all(spinners.map(spinner => spinner.stop()))
    }
  }
}
