import { AuditCounts, countingObserver } from './audit-counts.ts'
import type { CrashListener } from './audit.ts'
import { REASONS } from '../../protocols/index.ts'
import type { ErrorCode, SessionObserver } from '../../protocols/index.ts'
import type { Config } from '../config/index.ts'
import { AwakeTime } from '../guards/awake-time.ts'
import { LateCalls } from '../guards/late-calls.ts'
import { LoopDelay } from '../guards/loop-delay.ts'
import type { LoopWatch } from '../guards/loop-delay.ts'
import { StoreLatency } from '../guards/signals.ts'
import { TURN_MS } from '../listener/session-clock.ts'
import { nodePlatform } from '../platform.ts'
import { createLog } from '../log.ts'
import type { Log } from '../log.ts'
import { createMetrics } from '../metrics.ts'
import type { Arrival, Metrics } from '../metrics.ts'
import type { NodeOverrides } from '../node-options.ts'
import type { NodeState } from '../readiness.ts'
import { sessionMetrics } from '../session-metrics.ts'
import { Supervisor, systemClock } from '../supervision.ts'
import type { Clock, SupervisedPart, Supervision } from '../supervision.ts'
import { WriteGate } from './write-gate.ts'

/** What each step of a start stands on. */
export interface NodeBase {
  readonly config: Config
  readonly log: Log
  readonly metrics: Metrics<ErrorCode>
  readonly observer: SessionObserver
  /** Counts what was refused before there was a call. */
  readonly turnedAway: (arrival: Arrival) => void
  readonly state: NodeState
  readonly clock: Clock
  /** Who may write over HTTP. */
  readonly writes: WriteGate
  /** Unix time in milliseconds. */
  readonly startedAt: number
  /** What has started so far; it ends in reverse, when the start fails or when the node stops. */
  readonly started: AsyncDisposableStack
  /** Resolves once the part works; it is restarted when it crashes. */
  readonly supervise: (part: SupervisedPart) => Promise<void>
  /** Which calls of peers come too late to be served. */
  readonly lateCalls: LateCalls
  /** Told the time with the sessions, and so is `awake`. */
  readonly loopDelay: LoopWatch
  readonly awake: AwakeTime
  /** How long what must be durable takes, in time that the process is awake. */
  readonly storeLatency: StoreLatency
  /** How calls ended, until somebody records it. */
  readonly counts: AuditCounts
  /** Told of each crash of a part. */
  readonly onCrash: CrashListener[]
}

export function nodeBase(
  config: Config,
  { log = createLog(config.log), clock = systemClock, loopDelay = new LoopDelay(TURN_MS) }: NodeOverrides,
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
  const counts = new AuditCounts()
  const onCrash: CrashListener[] = []
  const awake = new AwakeTime(config.limits.maxDelayMs + TURN_MS, nodePlatform.now())
  return {
    config,
    log,
    metrics,
    observer: countingObserver(sessionMetrics(metrics, log), counts),
    turnedAway(arrival) {
      metrics.turnedAway(arrival)
      metrics.rejected('quota_peer')
      counts.refused('quota_peer')
    },
    counts,
    lateCalls: new LateCalls({
      mostDelayMs: config.limits.maxDelayMs,
      tickMs: TURN_MS,
      now: () => nodePlatform.now(),
      afterTurn: run => nodePlatform.afterTurn(run),
      random: Math.random
    }),
    loopDelay,
    awake,
    storeLatency: new StoreLatency(() => awake.at(nodePlatform.now())),
    onCrash,
    state,
    clock,
    writes: new WriteGate(config),
    startedAt: Date.now(),
    started,
    async supervise(part) {
      const supervisor = started.use(new Supervisor(part, { clock, log, metrics: telling(metrics, onCrash) }))
      state.parts.push(supervisor)
      await supervisor.start()
    }
  }
}

/** Each crash is counted, and told to those who record it. */
const telling = (
  metrics: Metrics<ErrorCode>,
  listeners: readonly CrashListener[]
): Supervision['metrics'] => {
  const crashes = new Map<string, number>()
  return {
    crashed(service, reason) {
      metrics.crashed(service, reason)
      crashes.set(service, (crashes.get(service) ?? 0) + 1)
      for (const listener of listeners) listener(service, reason, crashes.get(service)!)
    }
  }
}
