import type { Connection } from '@libp2p/interface'
import type { Service, ServiceDirectory } from '../protocols/index.ts'
import { OapError, REASONS, adminService, serviceDirectory } from '../protocols/index.ts'
import { createAdmission, createTransport } from '../transport/index.ts'
import type { Admission, Transport } from '../transport/index.ts'
import { AdminListener } from './admin/admin-listener.ts'
import { adminSocketPath } from './admin/socket-path.ts'
import type { Config } from './config/index.ts'
import { openDataFolder } from './data-folder.ts'
import { ephemeralKeys } from './ephemeral-keys.ts'
import { echo } from './handlers/echo.ts'
import { loadKeys } from './keys.ts'
import type { NodeKeys } from './keys.ts'
import { OapListener } from './listener/oap-listener.ts'
import { SessionClock } from './listener/session-clock.ts'
import { SessionHost } from './listener/session-host.ts'
import type { SessionHostOptions } from './listener/session-host.ts'
import { createLog } from './log.ts'
import type { Log } from './log.ts'
import { createMetrics } from './metrics.ts'
import { clockPart, httpPart } from './parts.ts'
import { nodePlatform } from './platform.ts'
import { sessionMetrics } from './session-metrics.ts'
import { statusOf } from './status.ts'
import type { NodeStatus } from './status.ts'
import { BootStore } from './stores/boot-store.ts'
import { openLevel } from './stores/level.ts'
import { SetupError } from './setup-error.ts'
import { readinessOf } from './readiness.ts'
import type { NodeState } from './readiness.ts'
import { Supervisor, systemClock } from './supervision.ts'
import type { Clock, SupervisedPart } from './supervision.ts'
import { listenFailure } from './listen-failure.ts'
import { VERSION } from './version.ts'

/** Strangers' part of the inbound handshakes under way; libp2p refuses everyone beyond the whole. */
const STRANGERS_OF_PENDING = 0.75

export interface NodeOptions {
  /** The data folder; without one, keys and store live as long as the process. */
  readonly data?: string | undefined
  /** Keeps the store in memory although there is a data folder. */
  readonly ephemeral?: boolean | undefined
  /** Services of an application's own, served beside the node's. */
  readonly services?: readonly Service[]
  readonly overrides?: {
    readonly log?: Log
    readonly clock?: Clock
    /** Asked once for each new connection; one that it knows is no stranger's. */
    readonly isKnown?: (connection: Connection) => boolean
    /** Further parts to run and restart beside the node's own. */
    readonly parts?: readonly SupervisedPart[]
  }
}

export interface OmnigateNode extends AsyncDisposable {
  /**
   * Resolves once the node serves; a second call gives the same. Whatever had started is stopped when it fails.
   * @throws SetupError for what the operator can mend: busy port, keys, data folder in use, newer format.
   */
  start(): Promise<void>
  /** Lets calls under way finish, then stops all parts in reverse order. Safe to call twice. */
  stop(): Promise<void>
  /** What `omnigate status` prints; only after `start`. */
  status(): NodeStatus
}

/** A node of `config`, serving echo and the given services; it does nothing before `start`. */
export function createNode(config: Config, options: NodeOptions = {}): OmnigateNode {
  let running: Promise<RunningNode> | undefined
  let started: RunningNode | undefined
  let stopping: Promise<void> | undefined
  const stop = async (): Promise<void> => {
    // A start that failed has stopped what it had started.
    if (running !== undefined)
      await (stopping ??= running.then(
        node => node.stop(),
        () => undefined
      ))
  }
  return {
    async start() {
      running ??= startNode(config, options)
      started = await running
    },
    stop,
    status: () => {
      if (started === undefined) throw new Error('the node has not started')
      return started.status()
    },
    [Symbol.asyncDispose]: stop
  }
}

interface RunningNode {
  stop(): Promise<void>
  status(): NodeStatus
}

const adminTable = (status: () => NodeStatus): Service => ({
  table: adminService,
  handlers: { status: () => ({ ...status() }) }
})

async function startNode(config: Config, options: NodeOptions): Promise<RunningNode> {
  await using starting = new AsyncDisposableStack()
  const { overrides = {} } = options
  const startedAt = Date.now()
  const log = overrides.log ?? createLog(config.log)
  const metrics = createMetrics({ reasons: REASONS })
  const observer = sessionMetrics(metrics, log)
  const supervision = { clock: overrides.clock ?? systemClock, log, metrics }

  const folder = options.data === undefined ? undefined : starting.use(await openDataFolder(options.data))
  const keys =
    folder === undefined
      ? await ephemeralKeys(config.node.name)
      : await loadKeys(folder.keys, { nowMs: startedAt })
  checkName(config, keys)
  const level = await openLevel(folder === undefined || options.ephemeral === true ? 'memory' : folder.store)
  starting.defer(() => level.close())
  const boot = await new BootStore(level).next()

  const state: NodeState = { isDraining: false, isStarted: false, parts: [], httpUrl: undefined }
  const refusal = (): OapError | undefined => (state.isDraining ? new OapError('draining') : undefined)
  const services = serviceDirectory([echo, ...(options.services ?? [])])
  const apps = [0, ...services.keys()]
  const clock = new SessionClock(() => nodePlatform.now())
  const hosting = (served: ServiceDirectory): SessionHostOptions => ({
    services: served,
    facts: () => ({
      serverVersion: `omnigate/${VERSION}`,
      transports: ['libp2p'],
      revocationSeq: 0,
      apps,
      compression: true
    }),
    platform: nodePlatform,
    observer,
    timeouts: {
      firstFrameMs: config.limits.firstFrameTimeoutMs,
      frameMs: config.limits.frameTimeoutMs,
      idleMs: config.limits.idleTimeoutMs
    },
    inflateLimits: { maxRatio: config.compression.maxRatio, maxBytes: config.compression.maxInflatedBytes }
  })
  const supervise = async (part: SupervisedPart): Promise<void> => {
    const supervisor = starting.use(new Supervisor(part, supervision))
    state.parts.push(supervisor)
    await supervisor.start()
  }

  await supervise(clockPart(clock))
  const admission = createAdmission({
    ...config.strangers,
    maxConnections: config.transport.maxConnections,
    maxKeptBytes: config.limits.inboundBufferBytes,
    maxOpening: Math.ceil(config.transport.maxPendingConnections * STRANGERS_OF_PENDING),
    onRefused: () => observer.rejected('quota_peer')
  })
  const transport = await prepareTransport(config, keys, admission)
  transport.addEventListener('connection:open', ({ detail: connection }) => {
    if (overrides.isKnown?.(connection) === true) admission.promote(connection)
  })
  const host = new SessionHost(hosting(services), clock)
  const listener = new OapListener({
    transport,
    admission,
    host,
    config,
    refusal,
    onStreamRefused: () => observer.rejected('quota_peer')
  })
  await listener.start()
  starting.defer(() => transport.stop())
  starting.defer(admission.watch(transport))
  try {
    await transport.start()
  } catch (error) {
    throw listenFailure(config.node.listen, error)
  }

  const status = (): NodeStatus =>
    statusOf({
      config,
      keys,
      transport,
      admission,
      host,
      budget: listener.budget,
      state,
      boot,
      startedAt,
      data: folder?.folder,
      apps
    })
  if (folder !== undefined) {
    const local = new SessionHost(hosting(serviceDirectory([echo, adminTable(status)])), clock)
    const admin = new AdminListener(adminSocketPath(folder.folder), local)
    starting.defer(() => admin.stop())
    await admin.start()
  }
  for (const part of overrides.parts ?? []) await supervise(part)
  if (config.http.enabled) {
    const sources = { readiness: () => readinessOf(state), metrics }
    await supervise(httpPart(config.http.listen, sources, url => (state.httpUrl = url)))
  }
  gauges(metrics, listener, admission, transport)

  const parts = starting.move()
  state.isStarted = true
  log.info({ event: 'NodeStarted', hub: keys.hubId, boot, version: VERSION }, 'started')
  return {
    status,
    async stop() {
      state.isDraining = true
      const cutOff = await host.drain(config.node.drainTimeoutMs)
      await parts.disposeAsync()
      log.info({ event: 'NodeStopped', calls_cut_off: cutOff }, 'stopped')
    }
  }
}

function checkName({ node }: Config, { delegation }: NodeKeys): void {
  const named = delegation.statement.node
  if (named === node.name) return
  throw new SetupError(
    'config',
    `node.name: is ${node.name}, but the hub key delegated to ${named}; set it back`
  )
}

function prepareTransport(config: Config, keys: NodeKeys, admission: Admission): Promise<Transport> {
  const { node, transport } = config
  return createTransport({
    privateKey: keys.nodeKey,
    start: false,
    listen: node.listen,
    announce: node.announce,
    encryption: transport.encryption,
    tuned: transport.tuned,
    maxConnections: transport.maxConnections,
    maxPendingConnections: transport.maxPendingConnections,
    maxInboundStreams: transport.inboundStreamsPerPeer,
    connectionGater: admission.connectionGater,
    userAgent: `omnigate/${VERSION}`
  })
}

function gauges(
  metrics: ReturnType<typeof createMetrics>,
  { budget }: OapListener,
  admission: Admission,
  transport: Transport
): void {
  metrics.gauge('inbound_held_bytes', 'Received bytes that wait to be handled.', () => budget.all.heldBytes)
  metrics.gauge('connections', 'Connections open.', () => transport.getConnections().length)
  metrics.gauge('stranger_connections', 'Connections without a link or a token.', () => admission.strangers)
}
