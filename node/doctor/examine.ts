import { multiaddr } from '@multiformats/multiaddr'
import { once } from 'node:events'
import { readFile, readdir, stat, statfs } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { getHeapStatistics } from 'node:v8'
import { connectAdmin } from '../admin/admin-client.ts'
import type { AdminClient } from '../admin/admin-client.ts'
import { ProofSecrets } from '../ams/proof-secrets.ts'
import { exposesHttp } from '../ams/access/exposure.ts'
import { exposedBy } from '../config/cross-problems.ts'
import { ConfigError, loadConfig, parseHostPort } from '../config/index.ts'
import type { Config } from '../config/index.ts'
import type { SourceFile } from '../config/layers.ts'
import { checkDataFolder, dataFolderPaths } from '../data-folder.ts'
import { keyOverview } from '../identity/index.ts'
import type { KeyOverview } from '../identity/index.ts'
import { ownCommand } from '../own-command.ts'
import { SetupError, errorCode } from '../setup-error.ts'
import { isMirror } from '../start/mirror.ts'
import { SURFACE_BOUNDS } from '../start/surface-bounds.ts'
import { tokenKeeper } from '../start/tokens.ts'
import {
  descriptorLimit,
  judgeClock,
  judgeDelegation,
  judgeDescriptors,
  judgeDisk,
  judgeLink,
  judgeMemory,
  judgeRates,
  memoryBound,
  ok,
  unknown,
  warn,
  wayOutOf,
  wrong
} from './judge.ts'
import type { Finding, Found } from './judge.ts'

/** Of one check. */
const DEADLINE_MS = 10_000
const MAX_FILES = 10_000
/** Of code, threads and stores, beside heap and buffers. */
const OTHER_BYTES = 128 * 1024 * 1024
const MOST_GROUPS = 32
/** A key may be made while it is looked at. */
const SLACK_S = 60

export interface Patient {
  /** Its data folder. */
  readonly data: string
  readonly file?: SourceFile
  readonly env: Readonly<Record<string, string | undefined>>
  /** Unix ms. */
  readonly nowMs: number
}

interface Place extends Patient {
  readonly config: Config
  /** Of the node, if one runs. */
  readonly admin: AdminClient | undefined
  readonly status: Readonly<Record<string, unknown>>
}

type Check = readonly [name: string, look: (place: Place) => Promise<readonly Found[]>]

const CHECKS: readonly Check[] = [
  ['node', node],
  ['clock', clock],
  ['permissions', permissions],
  ['keys', keys],
  ['signatures', signatures],
  ['disk', disk],
  ['limits', limits],
  ['ports', ports],
  ['access', access],
  ['peers', peers]
]

/**
 * Whether a node can do what it should, running or stopped; it changes nothing and takes no lock. What cannot be looked at in
 * time, or fails, is a finding. @throws SetupError for a folder that is none, or is open to others.
 */
export async function examine(patient: Patient): Promise<readonly Finding[]> {
  const { data, file, env } = patient
  await checkDataFolder(data)
  const opened = [{ check: 'folder', ...ok(dataFolderPaths(data).folder) }]
  let config: Config | undefined
  const again = ownCommand('doctor', '--data', data)
  const configured = await judged('config', again, async () => {
    config = loadConfig({ ...(file && { file }), env }).config
    return [ok(file?.path ?? 'defaults and the environment')]
  })
  if (config === undefined) return [...opened, ...configured]
  const admin = await connectAdmin(data).catch((error: unknown) => error)
  try {
    const isRunning = !(admin instanceof Error)
    if (admin instanceof Error && !(admin instanceof SetupError && admin.reason === 'unreachable'))
      return [...opened, ...configured, ...(await judged('node', again, () => Promise.reject(admin)))]
    const place: Place = {
      ...patient,
      config,
      admin: isRunning ? (admin as AdminClient) : undefined,
      status: isRunning ? await inTime((admin as AdminClient).status()).catch(() => ({})) : {}
    }
    const found = await Promise.all(CHECKS.map(([name, look]) => judged(name, again, () => look(place))))
    return [...opened, ...configured, ...found.flat()]
  } finally {
    if (!(admin instanceof Error)) await (admin as AdminClient)[Symbol.asyncDispose]()
  }
}

/** What stopped a look says the way out itself where an operator can mend it; all else may be over when `again` is run. */
async function judged(
  check: string,
  again: string,
  look: () => Promise<readonly Found[]>
): Promise<readonly Finding[]> {
  const found = await inTime(look()).catch((error: unknown): readonly Found[] => {
    // Each names the key to set.
    if (error instanceof ConfigError) return error.problems.map(message => ({ is: 'wrong', message }))
    if (error instanceof SetupError) return [{ is: 'wrong', message: error.message }]
    return [wrong(error instanceof Error ? error.message : String(error), `run: ${again}`)]
  })
  return found.map(each => ({ check, ...each }))
}

async function inTime<T>(promise: Promise<T>): Promise<T> {
  const late = Promise.withResolvers<never>()
  const timer = setTimeout(
    () => late.reject(new Error(`no answer within ${DEADLINE_MS / 1000} s, it may be overloaded`)),
    DEADLINE_MS
  )
  try {
    return await Promise.race([promise, late.promise])
  } finally {
    clearTimeout(timer)
  }
}

async function node({ data, admin, status }: Place): Promise<readonly Found[]> {
  if (admin === undefined) return Promise.resolve([ok('none runs')])
  const lacks = [status['missing'], status['degraded']].flatMap(each =>
    Array.isArray(each) ? each.map(String) : []
  )
  const show = ownCommand('status', '--data', data)
  if (status['ready'] === true)
    return [
      lacks.length === 0
        ? ok(`runs, process ${String(status['pid'])}`)
        : warn(`runs, short of ${lacks.join(', ')}`, wayOutOf(lacks, show))
    ]
  const what = `runs and is not ready: ${lacks.join(', ') || 'it does not answer'}`
  return [wrong(what, wayOutOf(lacks, show))]
}

/** What only the hub writes, so that no stranger can make it seem later. */
async function clock({ data, nowMs }: Place): Promise<readonly Found[]> {
  const { folder, format, keys: keysFolder } = dataFolderPaths(data)
  const paths = [format, join(folder, 'store', 'CURRENT'), join(folder, 'audit'), keysFolder]
  const times = await Promise.all(
    paths.map(path =>
      stat(path).then(
        ({ mtimeMs }) => ({ path, mtimeMs }),
        () => ({ path, mtimeMs: 0 })
      )
    )
  )
  return [
    judgeClock(
      nowMs,
      times.reduce((a, b) => (b.mtimeMs > a.mtimeMs ? b : a))
    )
  ]
}

/** Secrets lie in these folders, at most so many files deep. */
async function permissions({ data }: Place): Promise<readonly Found[]> {
  if (process.platform === 'win32') return [unknown('this system keeps them otherwise')]
  const { folder, keys: keysFolder } = dataFolderPaths(data)
  const found: Found[] = []
  let looked = 0
  for (const top of [keysFolder, join(folder, 'capabilities'), join(folder, 'client')]) {
    for (const name of (await readdir(top).catch(() => [])).slice(0, MAX_FILES)) {
      const { mode, uid } = await stat(join(top, name))
      looked++
      if (!name.endsWith('.pub') && (mode & 0o077) !== 0)
        found.push(wrong(`${join(top, name)}: others may use it`, `run: chmod go= ${join(top, name)}`))
      if (process.getuid !== undefined && process.getuid() !== 0 && uid !== process.getuid())
        found.push(
          wrong(
            `${join(top, name)}: belongs to another user`,
            `run: chown ${process.getuid()} ${join(top, name)}`
          )
        )
    }
  }
  return found.length > 0 ? found : [ok(`${looked} files are their owner's alone`)]
}

const delegate = ({ data }: Place, role: string): string =>
  ownCommand('key', 'delegate', '--role', role, '--data', data)

const overviewOf = ({ data, nowMs }: Place): Promise<KeyOverview> => keyOverview(data, nowMs)

async function keys(place: Place): Promise<readonly Found[]> {
  const { keys: own, delegations, unsigned } = await overviewOf(place)
  const nowS = Math.floor(place.nowMs / 1000)
  const mine = delegations.filter(
    ({ delegation: { statement } }) => statement.node === own.delegation.statement.node
  )
  const current = mine.filter(({ state }) => state === 'in force' || state === 'expired')
  const found = current.map(({ delegation: { statement } }) =>
    judgeDelegation(
      { role: statement.role, node: statement.node, notAfter: statement.not_after },
      nowS,
      delegate(place, statement.role)
    )
  )
  const early = mine.filter(
    ({ delegation: { statement }, state }) => state === 'not yet' && statement.not_before > nowS + SLACK_S
  )
  const { http, gateway } = place.config
  const isUnproven =
    http.enabled &&
    gateway.enabled &&
    gateway.prove &&
    own.hubKey !== 'here' &&
    !mine.some(({ delegation: { statement }, state }) => statement.role === 'message' && state === 'in force')
  return [
    ...found,
    ...(isUnproven
      ? [wrong('no key may prove envelopes, as gateway.prove wants', `run: ${delegate(place, 'message')}`)]
      : []),
    ...early.map(({ delegation: { statement } }) =>
      wrong(`the ${statement.role} key of ${statement.node} is not good yet`, 'run: timedatectl set-ntp true')
    ),
    ...unsigned.map(role =>
      wrong(`the hub key has not signed for the ${role} key`, `run: ${delegate(place, role)}`)
    ),
    ...(own.hubKey === 'here'
      ? [
          warn(
            'the hub key lies here without a password',
            `run: ${ownCommand('key', 'password', '--data', place.data)}`
          )
        ]
      : [])
  ]
}

async function signatures(place: Place): Promise<readonly Found[]> {
  const { status, config, admin } = place
  if (!config.http.enabled || !config.gateway.enabled || isMirror(config))
    return [ok('no manifests are served')]
  const http = status['http']
  if (admin !== undefined && typeof http === 'string') {
    const answer = await fetch(`${http}/ams/v1/health`, { signal: AbortSignal.timeout(DEADLINE_MS) })
    const health = (await answer.json()) as Readonly<Record<string, unknown>>
    if (health['signatures'] === 'fresh') return [ok('the manifests are signed as they stand')]
    return [wrong('the manifests are not signed; stop the node first', `run: ${delegate(place, 'manifest')}`)]
  }
  const { keys: own, delegations } = await overviewOf(place)
  const canSign =
    own.hubKey === 'here' ||
    delegations.some(
      ({ delegation, state }) => delegation.statement.role === 'manifest' && state === 'in force'
    )
  return [
    canSign
      ? ok('a key may sign the manifests')
      : wrong('no key may sign the manifests', `run: ${delegate(place, 'manifest')}`)
  ]
}

async function disk({ data, config }: Place): Promise<readonly Found[]> {
  const { folder } = dataFolderPaths(data)
  const { bavail, bsize } = await statfs(folder)
  return [judgeDisk(bavail * bsize, config.limits.minFreeDiskBytes, folder)]
}

/** What the system and the configuration let it take, against what it may need. */
async function limits({ status, config, admin }: Place): Promise<readonly Found[]> {
  const of = admin === undefined ? 'self' : String(status['pid'])
  const { http, gateway, transport } = config
  const text = await readFile(`/proc/${of}/limits`, 'utf8').catch(() => '')
  const limit = descriptorLimit(text)
  const open =
    admin === undefined ? undefined : (await readdir(`/proc/${of}/fd`).catch(() => undefined))?.length
  const connections = transport.maxConnections + (http.enabled ? SURFACE_BOUNDS.connections : 0)
  const needed = getHeapStatistics().heap_size_limit + config.limits.inboundBufferBytes + OTHER_BYTES
  const isExposed = exposesHttp(parseHostPort(http.listen)?.host ?? '') || gateway.trusted_proxies.length > 0
  return [
    limit === undefined
      ? unknown('open files: this system does not tell; see: ulimit -n')
      : judgeDescriptors(limit, connections, open),
    judgeMemory(await memoryOf(of), needed),
    ...(http.enabled && gateway.enabled ? [judgeRates(gateway.rate_limits, isExposed)] : [])
  ]
}

/** The least that the control groups of a process let it have, in bytes; undefined without a bound, or where none are told. */
async function memoryOf(pid: string): Promise<number | undefined> {
  const groups = await readFile(`/proc/${pid}/cgroup`, 'utf8').catch(() => '')
  const [, path = '/'] = /^0::(\/.*)$/m.exec(groups) ?? []
  const names = path
    .split('/')
    .filter(name => name !== '' && name !== '..')
    .slice(0, MOST_GROUPS)
  const bounds = await Promise.all(
    [...names.keys(), names.length].map(async n => {
      const file = join('/sys/fs/cgroup', ...names.slice(0, n), 'memory.max')
      return memoryBound(await readFile(file, 'utf8').catch(() => ''))
    })
  )
  const found = bounds.filter(bound => bound !== undefined)
  return found.length === 0 ? undefined : Math.min(...found)
}

async function ports({ config, status, admin }: Place): Promise<readonly Found[]> {
  if (admin !== undefined) {
    const addresses = Array.isArray(status['addresses']) ? status['addresses'].map(String) : []
    if (addresses.length === 0) return [wrong('the node listens nowhere', 'set: node.listen')]
    const isPrivate = status['only_private_addresses'] === true
    return [
      isPrivate && config.node.announce.length === 0
        ? warn('only private addresses, where other hubs cannot reach it', 'set: node.announce')
        : ok(addresses[0] ?? '')
    ]
  }
  const http = config.http.enabled ? parseHostPort(config.http.listen) : undefined
  const wanted = [
    ...config.node.listen.map(text => ({ ...hostPort(text), key: 'node.listen' })),
    ...(http === undefined ? [] : [{ ...http, key: 'http.listen' }])
  ]
  return Promise.all(wanted.map(({ host, port, key }) => free(host, port, key)))
}

/** Of an address that a configuration may listen on: an IP address, then tcp. */
function hostPort(address: string): { readonly host: string; readonly port: number } {
  const [ip, tcp] = multiaddr(address).getComponents()
  return { host: ip?.value ?? '', port: Number(tcp?.value) }
}

/** Whether a node could listen there: a listener is opened and closed. */
async function free(host: string, port: number, key: string): Promise<Found> {
  const server = createServer(socket => socket.destroy())
  try {
    await once(server.listen({ host, port, exclusive: true }), 'listening')
    return ok(`${key}: ${host} port ${port} is free`)
  } catch (error) {
    const code = errorCode(error)
    const why =
      code === 'EADDRINUSE'
        ? 'is taken, end what listens there'
        : code === 'EACCES'
          ? 'needs rights, as each below 1024 does'
          : `cannot be listened on (${String(code)}), is it an address of this machine?`
    return wrong(`${key}: ${host} port ${port} ${why}`, `set: ${key}`)
  } finally {
    server.close()
  }
}

async function access({ data, config, env }: Place): Promise<readonly Found[]> {
  await ProofSecrets.open(config.gateway.proof_secrets)
  const tokens = await (await tokenKeeper(data, config)).list(env)
  const problems = exposedBy(config, { tokens, takesOthers: config.capabilities.takesBearer })
  if (problems.length > 0)
    return problems.map(({ path, message }) => wrong(`${path}: ${message}`, `set: ${path}`))
  return [ok(`${tokens.length} tokens; where it is reached from is allowed`)]
}

async function peers({ data, admin }: Place): Promise<readonly Found[]> {
  if (admin === undefined) return [unknown('links are known while the node runs')]
  const command = (...words: string[]): string => ownCommand(...words, '--data', data)
  const found: Found[] = []
  let all = 0
  for await (const { hub, link, state, why } of await admin.federation.peer_list({})) {
    all++
    if (state !== 'allowed') found.push(warn(`${hub}: ${state}`, `see: ${command('peer', 'show', hub)}`))
    else if (link !== 'up') found.push(judgeLink({ hub, command }, link, why))
  }
  return found.length > 0 ? found : [ok(`${all} on the allowlist, none without a link`)]
}
