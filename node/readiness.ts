import type { Readiness } from './http/index.ts'
import type { Pressure } from './guards/pressure.ts'
import type { Supervisor } from './supervision.ts'

/** What changes while the node runs. */
export interface NodeState {
  isDraining: boolean
  isStarted: boolean
  readonly parts: Supervisor[]
  httpUrl: string | undefined
  /** Set once the node watches itself. */
  pressure: Pressure | undefined
}

/** Whether the node takes calls: started, not draining, every supervised part up, and not more to do than it can. */
export function readinessOf({ isDraining, isStarted, parts, pressure }: NodeState): Readiness {
  const crashed = parts.map(part => part.status).filter(part => !part.ready)
  const missing = crashed.map(({ service }) => service)
  if (!isStarted) missing.push('start')
  if (isDraining) missing.push('draining')
  const causes = pressure?.causes ?? []
  if (pressure?.isReady === false) return { missing: [...missing, ...causes], degraded: [] }
  return { missing, degraded: causes }
}
