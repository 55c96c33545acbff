import type { Guard, HelloFacts, ServiceDirectory, SessionTimeouts } from '../../protocols/index.ts'
import type { Config } from '../config/index.ts'
import { SessionClock } from '../listener/session-clock.ts'
import { SessionHost } from '../listener/session-host.ts'
import { nodePlatform } from '../platform.ts'
import { VERSION } from '../version.ts'
import type { NodeBase } from './base.ts'

/** Yields a host for sessions that are served `services`, each call judged by `guard`; all hear the time from one clock. */
export type HostSessions = (services: ServiceDirectory, guard?: Guard) => SessionHost

/** Starts the clock of all sessions. HELLO tells peers of `apps`. */
export async function startSessions(
  { config, observer, lateCalls, loopDelay, awake, supervise }: NodeBase,
  { apps, revocationSeq }: { readonly apps: readonly number[]; readonly revocationSeq: () => number }
): Promise<HostSessions> {
  const clock = new SessionClock(
    () => nodePlatform.now(),
    now => {
      lateCalls.tick(now)
      loopDelay.tick(now)
      awake.tick(now)
    }
  )
  await supervise({
    service: 'sessions',
    // What crashes it is a session's judgement of the time.
    crashReason: 'crash_exception',
    run: (started, signal) => clock.run(started, signal)
  })
  const same = {
    facts: () => helloFacts(apps, revocationSeq()),
    platform: nodePlatform,
    observer,
    timeouts: timeoutsOf(config),
    inflateLimits: { maxRatio: config.compression.maxRatio, maxBytes: config.compression.maxInflatedBytes }
  }
  return (services, guard) => new SessionHost({ ...same, services, ...(guard && { guard }) }, clock)
}

const helloFacts = (apps: readonly number[], revocationSeq: number): HelloFacts => ({
  serverVersion: `omnigate/${VERSION}`,
  transports: ['libp2p'],
  revocationSeq,
  apps: [...apps],
  compression: true
})

const timeoutsOf = ({ limits }: Config): SessionTimeouts => ({
  firstFrameMs: limits.firstFrameTimeoutMs,
  frameMs: limits.frameTimeoutMs,
  idleMs: limits.idleTimeoutMs
})
