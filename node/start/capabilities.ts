import { VerifiedTokens, federationService } from '../../protocols/index.ts'
import type { Guard, OapError, ServerCall } from '../../protocols/index.ts'
import { SteadyClock, openCapabilities } from '../capabilities/index.ts'
import type { Capabilities, CapabilitySources } from '../capabilities/index.ts'
import type { Config } from '../config/index.ts'
import { traceparentOf } from '../http/traceparent.ts'
import { HTTP_PEER } from '../calls/stand-in.ts'
import { createCallGuard, withdrawnSince } from '../guards/call-guard.ts'
import type { Refused } from '../guards/call-guard.ts'
import { GrantQuotas } from '../guards/grant-quotas.ts'
import { Grants } from '../guards/grants.ts'
import { SurfaceLedger } from '../guards/surface-ledger.ts'
import { TokenQuotas } from '../guards/token-quotas.ts'
import type { TenantRates } from '../guards/token-quotas.ts'
import { inFlightOfOne } from '../listener/oap-listener.ts'
import { nodeMacaroonCrypto } from '../macaroon-crypto.ts'
import { nodePlatform } from '../platform.ts'
import type { NodeStore } from '../stores/node-store.ts'
import type { AuditCounts } from './audit-counts.ts'
import { idsOf } from './ams-audit.ts'
import type { NodeAudit } from './audit.ts'
import type { NodeBase } from './base.ts'
import type { Identity } from './identity.ts'

/** The number of AMS in `app` caveats, and in limits of tenants. */
export const AMS_APP = 0x0701
const TIDY_EVERY_MS = 60_000
/** So late at most a call ends after the treaty under which it runs. */
const EXPIRE_EVERY_MS = 500

/** Rights, and the guard that judges calls by them. */
export interface Rights {
  readonly capabilities: Capabilities
  /** What connections of linked hubs may do without a capability; whoever links fills it. */
  readonly grants: Grants
  readonly guard: Guard
  /** What requests over HTTP that are no calls are charged to, with the calls that `guard` judges. */
  readonly ledger: SurfaceLedger
  /** Says why a call under way may not go on; to be asked of every call when `onWithdrawal` or `onChange` of grants tells. */
  readonly review: (call: ServerCall) => OapError | undefined
  /** Unix seconds by the clock that cannot be set back. */
  readonly seconds: () => number
}

/** Opens keys, revocations and tenants, and makes the guard of calls by peers. */
export async function openRights(
  base: NodeBase,
  identity: Identity & Pick<CapabilitySources, 'isPassing'>,
  store: NodeStore,
  audit: NodeAudit
): Promise<Rights> {
  const { config, log } = base
  const clock = new SteadyClock({
    onStepBack: ms =>
      log.warn(
        { event: 'ClockStepBack', ms },
        'the clock was set back; capabilities expire as if it were not'
      )
  })
  const capabilities = await openCapabilities({
    ...identity,
    ...configured(config),
    level: () => store.level,
    audit,
    clock,
    warn: warning => log.warn(warning, 'repaired while opening')
  })
  await superviseTidying(base, capabilities)
  const grants = openGrants(base, capabilities, clock)
  const mostInFlight = inFlightOfOne(config.limits.maxCalls)
  const quotas = new TokenQuotas({ tenant: tenantRates(capabilities), mostInFlight })
  return {
    capabilities,
    grants,
    guard: guardOf(base, identity, { capabilities, grants, audit, clock, quotas }),
    ledger: new SurfaceLedger({
      quotas,
      tenant: idOf(capabilities, config.gateway.tenant),
      app: AMS_APP,
      now: () => nodePlatform.now()
    }),
    review: withdrawnSince(token => capabilities.withdrawal(token), grants),
    seconds: () => clock.seconds()
  }
}

function openGrants({ metrics, started }: NodeBase, capabilities: Capabilities, clock: SteadyClock): Grants {
  const grants = new Grants({
    isActive: tenant => capabilities.isActive(tenant),
    seconds: () => clock.seconds()
  })
  metrics.gauge('grants', 'Connections that have the grant of a linked hub.', () => grants.size)
  const timer = setInterval(() => grants.expire(), EXPIRE_EVERY_MS).unref()
  started.defer(() => clearInterval(timer))
  return grants
}

/** What the configuration says of minting and of tenants. */
export function configured({
  capabilities: { defaultTtlMs, maxTtlMs },
  quotas: { tenantCallsPerSecond, tenantBurst, tenantBytesPerSecond }
}: Config): Pick<CapabilitySources, 'policy' | 'tenantLimits'> {
  return {
    policy: { defaultTtlS: seconds(defaultTtlMs), maxTtlS: seconds(maxTtlMs) },
    tenantLimits: {
      callsPerSecond: tenantCallsPerSecond,
      burst: tenantBurst,
      bytesPerSecond: tenantBytesPerSecond
    }
  }
}

const EVERY_VERB = { has: () => true }

/** Who calls these proves itself in the call, or has done so on its connection before. */
const FEDERATION_VERBS = Object.values(federationService.operations).map(({ verb }) => verb)

const openVerbs = (verbs: readonly string[]): { has(verb: string): boolean } =>
  verbs.includes('*') ? EVERY_VERB : new Set([...verbs, ...FEDERATION_VERBS])

const seconds = (ms: number): number => Math.ceil(ms / 1000)

interface GuardParts {
  readonly capabilities: Capabilities
  readonly grants: Grants
  readonly audit: NodeAudit
  readonly clock: SteadyClock
  readonly quotas: TokenQuotas
}

function guardOf(
  { config, counts, state, lateCalls: late }: NodeBase,
  { keys: { hubId: hub } }: Identity,
  { capabilities, grants, audit, clock, quotas }: GuardParts
): Guard {
  const tokens = new VerifiedTokens({ crypto: nodeMacaroonCrypto, hub, keys: capabilities.keys })
  capabilities.onWithdrawal(() => tokens.flush())
  const mostInFlight = inFlightOfOne(config.limits.maxCalls)
  return createCallGuard({
    hub,
    tokens,
    withdrawal: token => capabilities.withdrawal(token),
    openVerbs: openVerbs(config.capabilities.openVerbs),
    takesBearer: config.capabilities.takesBearer,
    quotas,
    grants,
    grantQuotas: new GrantQuotas({ mostInFlight }),
    payerOf: token => capabilities.payerOf(token),
    shedding: () => state.pressure?.shedding ?? 'nothing',
    late,
    // Where they come in, before their bodies are read.
    isJudged: peer => peer === HTTP_PEER,
    writeRefusal: () => state.pressure?.writeRefusal ?? 'saturated',
    now: () => nodePlatform.now(),
    seconds: () => clock.seconds(),
    record: refused => recordRefusal(audit, counts, refused)
  })
}

/** A tenant's limits as rates, the same object for the same limits. */
function tenantRates(capabilities: Capabilities): (tenant: string, app: number) => TenantRates {
  const known = new WeakMap<object, TenantRates>()
  return (tenant, app) => {
    const limits = capabilities.limitsOf(tenant, app)
    let rates = known.get(limits)
    if (rates === undefined) {
      const { callsPerSecond, burst, bytesPerSecond } = limits
      rates = {
        calls: { burst, perSecond: callsPerSecond },
        bytes: { burst: bytesPerSecond, perSecond: bytesPerSecond }
      }
      known.set(limits, rates)
    }
    return rates
  }
}

/** The id of a tenant while it is active, looked for by its name only where it was not before. */
function idOf(capabilities: Capabilities, name: string): () => string | undefined {
  let id = ''
  return () => {
    if (capabilities.isActive(id)) return id
    const found = capabilities.tenants().find(one => one.name === name)
    return found && capabilities.isActive(found.id) ? (id = found.id) : undefined
  }
}

function recordRefusal(
  audit: NodeAudit,
  counts: AuditCounts,
  { head, principal, error }: Refused
): Promise<void> | undefined {
  const { call, header, served } = head
  counts.recorded(call)
  const outcome = { service: served.service, operation: served.name, reason: error.counted }
  return audit.refused(principal, outcome, {
    ...idsOf(traceparentOf({ traceparent: header['trace'] })),
    corrId: BigInt(call.corr).toString(16).padStart(16, '0')
  })
}

/** Forgets what has run out, once a minute. */
async function superviseTidying({ supervise }: NodeBase, capabilities: Capabilities): Promise<void> {
  await supervise({
    service: 'capabilities',
    crashReason: 'crash_store',
    run: (ready, signal) => {
      const { promise, resolve, reject } = Promise.withResolvers<void>()
      const timer = setInterval(() => void capabilities.tidy().catch(reject), TIDY_EVERY_MS).unref()
      signal.addEventListener('abort', () => resolve(), { once: true })
      ready()
      return promise.finally(() => clearInterval(timer))
    }
  })
}
