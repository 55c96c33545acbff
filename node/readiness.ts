import type { Readiness } from './http.ts'
import type { Supervisor } from './supervision.ts'

/** What changes while the node runs. */
export interface NodeState {
  isDraining: boolean
  isStarted: boolean
  readonly parts: Supervisor[]
  httpUrl: string | undefined
}

/** Whether the node takes calls: started, not draining, and every supervised part up. */
export function readinessOf({ isDraining, isStarted, parts }: NodeState): Readiness {
  const crashed = parts.map(part => part.status).filter(part => !part.ready)
  const missing = crashed.map(({ service }) => service)
  if (!isStarted) missing.push('start')
  if (isDraining) missing.push('draining')
  return { missing, degraded: [] }
}
