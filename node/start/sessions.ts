import type { HelloFacts, ServiceDirectory, SessionTimeouts } from '../../protocols/index.ts'
import type { Config } from '../config/index.ts'
import { SessionClock } from '../listener/session-clock.ts'
import { SessionHost } from '../listener/session-host.ts'
import { nodePlatform } from '../platform.ts'
import { VERSION } from '../version.ts'
import type { NodeBase } from './base.ts'

/** Yields a host for sessions that are served `services`; all hosts hear the time from one clock. */
export type HostSessions = (services: ServiceDirectory) => SessionHost

/** Starts the clock of all sessions. HELLO tells peers of `apps`. */
export async function startSessions(
  { config, observer, supervise }: NodeBase,
  apps: readonly number[]
): Promise<HostSessions> {
  const clock = new SessionClock(() => nodePlatform.now())
  await supervise({
    service: 'sessions',
    // What crashes it is a session's judgement of the time.
    crashReason: 'crash_exception',
    run: (started, signal) => clock.run(started, signal)
  })
  const same = {
    facts: () => helloFacts(apps),
    platform: nodePlatform,
    observer,
    timeouts: timeoutsOf(config),
    inflateLimits: { maxRatio: config.compression.maxRatio, maxBytes: config.compression.maxInflatedBytes }
  }
  return services => new SessionHost({ ...same, services }, clock)
}

const helloFacts = (apps: readonly number[]): HelloFacts => ({
  serverVersion: `omnigate/${VERSION}`,
  transports: ['libp2p'],
  revocationSeq: 0,
  apps: [...apps],
  compression: true
})

const timeoutsOf = ({ limits }: Config): SessionTimeouts => ({
  firstFrameMs: limits.firstFrameTimeoutMs,
  frameMs: limits.frameTimeoutMs,
  idleMs: limits.idleTimeoutMs
})
