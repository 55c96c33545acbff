import { OapError, VerifiedTokens, tenantBytes } from '../../protocols/index.ts'
import {
  ACCESS_REFUSALS,
  ANONYMOUS,
  DEFAULT_RATES,
  LOOPBACK_HOSTS,
  LiveTokens,
  RequestLimits,
  capabilityCallers,
  createAccess,
  networksOf,
  sandboxNotice,
  sourceOf
} from '../ams/access/index.ts'
import type {
  AccessRates,
  AccessRefusalCode,
  Admitting,
  CapabilityCallers,
  PerMinute,
  StaticToken
} from '../ams/access/index.ts'
import { InTurn } from '../capabilities/in-turn.ts'
import { exposedBy } from '../config/cross-problems.ts'
import { ConfigError, parseHostPort } from '../config/index.ts'
import type { Config } from '../config/index.ts'
import type { TokenParts } from '../ams/routes/index.ts'
import type { HttpRoutes } from '../http/index.ts'
import { shedRefusal } from '../guards/shed.ts'
import type { ShedOptions } from '../guards/shed.ts'
import { nodeMacaroonCrypto } from '../macaroon-crypto.ts'
import { nodePlatform } from '../platform.ts'
import type { AuditEvent } from '../audit/index.ts'
import type { NodeStore } from '../stores/node-store.ts'
import type { NodeBase } from './base.ts'
import { AMS_APP } from './capabilities.ts'
import type { Rights } from './capabilities.ts'
import type { Identity } from './identity.ts'
import { refusalOf } from './peers.ts'
import { tokenAdmin } from './token-admin.ts'
import { TokenAudit } from './token-audit.ts'
import { tokenKeeper, tokensFile } from './tokens.ts'

const LOOK_EVERY_MS = 1000
const NO_TENANT = new Uint8Array()

export interface HttpAccessPlace {
  readonly rights: Pick<Rights, 'capabilities' | 'seconds' | 'ledger'>
  readonly env: Readonly<Record<string, string | undefined>>
  readonly store: Pick<NodeStore, 'level'>
  readonly audit: { append(event: AuditEvent): Promise<void> }
  /** Whether routes of a pattern are let in by these rules; all others count their callers themselves. */
  readonly isOurs: (pattern: string | undefined) => boolean
}

export interface HttpAccess {
  /** To be added before the routes that it lets callers in to. */
  readonly routes: HttpRoutes
  /** Counts a request that was not let in. */
  readonly refused: (code: AccessRefusalCode) => void
  /** None where nothing is limited. */
  readonly rates: AccessRates | undefined
  /** Static tokens that are good now, once it was looked whether they have changed. */
  readonly tokens: () => Promise<readonly Pick<StaticToken, 'role'>[]>
  /** The static tokens, for their operator. */
  readonly tokenParts: TokenParts
  /** Tells the names of static tokens that are gone, or have another text or role, within about a second. */
  readonly onTokensEnded: (listener: TokensEnded) => void
}

const NOT_OPEN = 'the audit log cannot be told now; ask again'
const NOT_TOLD = 'the tokens have changed, and the audit log could not be told: it is later'

type TokensEnded = (names: readonly string[]) => void

/**
 * Who may do what over HTTP, and how much: static tokens, which are followed while the node runs, capabilities, and rates.
 * @throws ConfigError where others could reach the node as they must not; SetupError for tokens that are none.
 */
export async function openHttpAccess(
  base: NodeBase,
  identity: Identity,
  { rights, env, store, audit, isOurs }: HttpAccessPlace
): Promise<HttpAccess> {
  const { config, log, metrics, writes } = base
  const { gateway } = config
  const live = await LiveTokens.open({ path: tokensFile(config, identity.folder), env })
  const capabilities = callersByCapability(base, identity, rights)
  const exposed = (): ReturnType<typeof exposedBy> =>
    exposedBy(config, { tokens: live.current.list, takesOthers: config.capabilities.takesBearer })
  const problems = exposed()
  if (problems.length > 0) throw new ConfigError(problems)
  const listeners: TokensEnded[] = []
  const told = new TokenAudit(store, identity.keys.nodeKey.raw, event => audit.append(event))
  const turn = new InTurn()
  let isMissed = false
  const record = async (): Promise<void> => {
    try {
      if (!told.isTold(live.current)) await told.tell(live.current)
      isMissed &&= !told.isTold(live.current)
    } catch (err) {
      if (!isMissed)
        log.warn({ event: 'TokensNotTold', err }, 'a change of tokens is not recorded; it is later')
      isMissed = true
    }
  }
  await record()
  const { look, lookInTurn } = follow(base, live, {
    turn,
    record,
    exposed,
    ended: names => listeners.forEach(tell => tell(names))
  })
  const { folder } = identity
  const tokenParts = tokenAdmin({
    live,
    env,
    keeper: folder && (() => tokenKeeper(folder.folder, config)),
    changing: (actor, change) =>
      turn.run(async () => {
        // What others have changed is not told as this caller's.
        await look()
        if (!told.isTold(live.current)) throw new OapError('not_ready', NOT_OPEN)
        const done = await change()
        await look(() => told.tell(live.current, actor))
        if (!told.isTold(live.current)) throw new OapError('not_ready', NOT_TOLD)
        return done
      })
  })
  const { sandbox_notice: notice } = sandboxNotice(writes.sandbox)
  if (notice !== undefined) log.warn({ event: 'PublicSandbox' }, notice)

  const refused = metrics.counters(
    'http_refused_total',
    'Requests that were not let in, by reason.',
    'reason',
    ACCESS_REFUSALS
  )
  metrics.gauge('http_tokens', 'Static tokens that are good.', () => live.current.list.length)
  const rates = gateway.rate_limits ? ratesOf(config) : undefined
  const limits = rates && new RequestLimits(rates)
  const known = () => ({
    tokens: live.current,
    capabilities,
    writeMode: writes.mode,
    isPrivate: gateway.private
  })
  return {
    tokenParts,
    rates,
    tokens: async () => {
      // What is under way may have begun before they changed.
      await lookInTurn()
      await lookInTurn()
      return live.current.list
    },
    refused,
    onTokensEnded: listener => void listeners.push(listener),
    routes: createAccess({
      hosts: new Set([...LOOPBACK_HOSTS, ...hostsOf(config)]),
      origins: new Set(gateway.origins),
      proxies: networksOf(gateway.trusted_proxies),
      known,
      limits,
      tenant: gateway.tenant,
      app: 'ams',
      admit: admitting(base, rights),
      now: () => nodePlatform.now(),
      isOurs,
      onRefusal: refused
    })
  }
}

const WRITES = { writes: true } as const
const READS = {} as const

/** In the order in which calls over OAP are admitted: what the node sheds, then what tenant and capability may spend. */
function admitting(
  { lateCalls, observer, state }: NodeBase,
  { ledger }: HttpAccessPlace['rights']
): (asked: Admitting) => OapError | ((bytes: number) => void) {
  const load: ShedOptions = {
    shedding: () => state.pressure?.shedding ?? 'nothing',
    writeRefusal: () => state.pressure?.writeRefusal ?? 'saturated',
    late: lateCalls
  }
  return ({ caller: { name }, role, ip, ...request }) => {
    const caller = `http ${name === ANONYMOUS ? sourceOf(ip) : name}`
    const admitted =
      refusalOf(state) ??
      shedRefusal(load, role === 'write' ? WRITES : READS, { caller, startedAt: nodePlatform.now() }) ??
      ledger.begin(request)
    if (admitted instanceof OapError) observer.rejected(admitted.counted)
    return admitted
  }
}

/** Hosts that are answered to, beside those of this machine. */
export function hostsOf({ http, gateway }: Pick<Config, 'http' | 'gateway'>): readonly string[] {
  const { host = '' } = parseHostPort(http.listen) ?? {}
  return [...gateway.hosts, host.includes(':') ? `[${host.toLowerCase()}]` : host]
}

interface Following {
  /** Whoever looks at the file, or changes it. */
  readonly turn: InTurn
  /** Tells the audit log what has changed, if that is to be done. */
  readonly record: () => Promise<void>
  readonly exposed: () => readonly unknown[]
  readonly ended: TokensEnded
}

interface Looks {
  /** For whoever has the turn; `tell` tells the audit log. Rejects where the file cannot be looked at. */
  readonly look: (tell?: () => Promise<void>) => Promise<void>
  /** For all others; one at a time. */
  readonly lookInTurn: () => Promise<void>
}

/** Follows them, and yields what looks at once. */
function follow(
  { log, started }: NodeBase,
  live: LiveTokens,
  { turn, record, exposed, ended }: Following
): Looks {
  let told = ''
  const tell = (problem: string): void => {
    if (problem !== told)
      log.error({ event: 'TokensRefused', problem }, 'the file of tokens is wrong; those from before hold')
    told = problem
  }
  const look = async (recording = record): Promise<void> => {
    const before = live.current
    const news = await live.look()
    if (news === 'same') return await recording()
    if (news !== 'loaded') return tell(news.problem)
    told = ''
    ended(live.current.missing(before))
    log.info({ event: 'TokensLoaded', tokens: live.current.list.length }, 'the tokens have changed')
    if (exposed().length > 0)
      log.error(
        { event: 'TokensMissing' },
        'the tokens that this node needs are gone; it will not start again'
      )
    await recording()
  }
  let looking: Promise<void> | undefined
  const lookInTurn = (): Promise<void> =>
    (looking ??= turn
      .run(() => look())
      .catch((error: unknown) => tell(error instanceof Error ? error.message : String(error)))
      .finally(() => (looking = undefined)))
  const timer = setInterval(() => void lookInTurn(), LOOK_EVERY_MS).unref()
  started.defer(() => clearInterval(timer))
  return { look, lookInTurn }
}

/**
 * Those of the tenant in whose name callers act, as it is when they ask. Over HTTP whoever has a capability may use it; where
 * that is not wanted, only calls take some, whose guard judges what they are bound to.
 */
function callersByCapability(
  { config }: NodeBase,
  { keys: { hubId: hub } }: Identity,
  { capabilities, seconds }: HttpAccessPlace['rights']
): CapabilityCallers {
  const tokens = new VerifiedTokens({ crypto: nodeMacaroonCrypto, hub, keys: capabilities.keys })
  capabilities.onWithdrawal(() => tokens.flush())
  const { tenant: name } = config.gateway
  return {
    judge(text, asked = {}) {
      const isAnyTaken = asked.isAnyTaken === true
      if (!isAnyTaken && !config.capabilities.takesBearer) return undefined
      const tenant = capabilities.tenants().find(one => one.name === name)
      if (tenant === undefined && !isAnyTaken) return { problem: 'the tenant of this surface is not there' }
      return capabilityCallers({
        hub,
        tenantId: (tenant && tenantBytes(tenant.id)) ?? NO_TENANT,
        app: AMS_APP,
        tokens,
        withdrawal: token => capabilities.withdrawal(token),
        now: () => nodePlatform.now(),
        seconds
      }).judge(text, asked)
    }
  }
}

function ratesOf({ gateway }: Config): AccessRates {
  const { anonymous, known } = DEFAULT_RATES
  const open = { read: gateway.reads_per_min, write: gateway.writes_per_min }
  const shown = { read: gateway.token_reads_per_min, write: gateway.token_writes_per_min }
  const each = (one: PerMinute, all: PerMinute) => ({
    source: one,
    agent: one,
    token: one,
    tenantApp: { read: Math.max(one.read, all.read), write: Math.max(one.write, all.write) }
  })
  return {
    ...DEFAULT_RATES,
    anonymous: each(open, anonymous.tenantApp),
    known: each(shown, known.tenantApp)
  }
}
