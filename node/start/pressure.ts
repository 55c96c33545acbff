import { Pressure } from '../guards/pressure.ts'
import { diskSignal, eventLoopSignal, heapSignal, inFlightSignal, lateSignal } from '../guards/signals.ts'
import { nodePlatform } from '../platform.ts'
import type { NodeBase } from './base.ts'
import type { Identity } from './identity.ts'

const SAMPLE_MS = 250

/** Watches what the node has to do, of it the calls and requests under way; the peers' listener and readiness see what it sheds. */
export async function watchPressure(
  { config, lateCalls, loopDelay, metrics, state, storeLatency, supervise }: NodeBase,
  { folder }: Identity,
  underWay: () => number
): Promise<void> {
  const { maxCalls, minFreeDiskBytes } = config.limits
  const disk = folder && diskSignal(folder.folder, minFreeDiskBytes, () => nodePlatform.now())
  const pressure = new Pressure([
    eventLoopSignal(loopDelay, () => nodePlatform.now()),
    inFlightSignal(underWay, maxCalls),
    lateSignal(lateCalls),
    heapSignal(),
    storeLatency.signal,
    ...(disk === undefined ? [] : [disk])
  ])
  state.pressure = pressure
  for (const name of Object.keys(pressure.values)) {
    const scale = name.endsWith('_ms') ? 1000 : 1
    metrics.gauge(
      `pressure_${name.replace(/_ms$/, '_seconds')}`,
      `What is shed by, as it was last sampled: ${name}.`,
      () => pressure.values[name]! / scale
    )
  }
  metrics.gauge('shedding', 'What is refused: 0 nothing, 1 writes, 2 all calls.', () =>
    ['nothing', 'writes', 'calls'].indexOf(pressure.shedding)
  )
  await supervise({
    service: 'pressure',
    crashReason: 'crash_exception',
    run: (ready, signal) => sampling(pressure, ready, signal)
  })
}

function sampling(pressure: Pressure, ready: () => void, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setInterval(() => {
      try {
        pressure.sample()
      } catch (error) {
        clearInterval(timer)
        reject(error as Error)
      }
    }, SAMPLE_MS).unref()
    signal.addEventListener('abort', () => resolve(clearInterval(timer)), { once: true })
    ready()
  })
}
