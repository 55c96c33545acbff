// @ts-check
// Preloaded into a node that shall not shed: its event loop never seems late to it. The other signals have bounds that a
// bench can lift in the configuration, or that it does not reach.
import { syncBuiltinESMExports } from 'node:module'
import perfHooks from 'node:perf_hooks'

const measured = perfHooks.monitorEventLoopDelay

perfHooks.monitorEventLoopDelay = options => {
  const delay = measured(options)
  Object.defineProperty(delay, 'max', { value: 0 })
  return delay
}
syncBuiltinESMExports()
