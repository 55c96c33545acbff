import { REASONS } from '../../protocols/index.ts'
import type { ErrorCode, SessionObserver } from '../../protocols/index.ts'
import type { Config } from '../config/index.ts'
import { createLog } from '../log.ts'
import type { Log } from '../log.ts'
import { createMetrics } from '../metrics.ts'
import type { Metrics } from '../metrics.ts'
import type { NodeOverrides } from '../node-options.ts'
import type { NodeState } from '../readiness.ts'
import { sessionMetrics } from '../session-metrics.ts'
import { Supervisor, systemClock } from '../supervision.ts'
import type { SupervisedPart } from '../supervision.ts'

/** What each step of a start stands on. */
export interface NodeBase {
  readonly config: Config
  readonly log: Log
  readonly metrics: Metrics<ErrorCode>
  readonly observer: SessionObserver
  readonly state: NodeState
  /** Unix time in milliseconds. */
  readonly startedAt: number
  /** What has started so far; it ends in reverse, when the start fails or when the node stops. */
  readonly started: AsyncDisposableStack
  /** Resolves once the part works; it is restarted when it crashes. */
  readonly supervise: (part: SupervisedPart) => Promise<void>
}

export function nodeBase(
  config: Config,
  { log = createLog(config.log), clock = systemClock }: NodeOverrides,
  started: AsyncDisposableStack
): NodeBase {
  const metrics = createMetrics({ reasons: REASONS })
  const state: NodeState = {
    isDraining: false,
    isStarted: false,
    parts: [],
    httpUrl: undefined,
    pressure: undefined
  }
  return {
    config,
    log,
    metrics,
    observer: sessionMetrics(metrics, log),
    state,
    startedAt: Date.now(),
    started,
    async supervise(part) {
      const supervisor = started.use(new Supervisor(part, { clock, log, metrics }))
      state.parts.push(supervisor)
      await supervisor.start()
    }
  }
}
