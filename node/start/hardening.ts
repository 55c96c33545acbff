import { realpathSync, statSync } from 'node:fs'
import { chmod } from 'node:fs/promises'
import { connectAdmin } from '../admin/admin-client.ts'
import { harden } from '../ams/access/index.ts'
import type { HardenStep } from '../ams/access/index.ts'
import { exposedBy } from '../config/cross-problems.ts'
import { envName } from '../config/env.ts'
import { loadConfig } from '../config/index.ts'
import type { Config } from '../config/index.ts'
import type { SourceFile } from '../config/layers.ts'
import { withSettings } from '../config/with-settings.ts'
import { createFile, replaceFile } from '../durable-file.ts'
import { keyOverview } from '../identity/index.ts'
import { ownCommand } from '../own-command.ts'
import { OapError } from '../../protocols/index.ts'
import { auditEvent } from '../audit/index.ts'
import type { EventData } from '../audit/index.ts'
import { openDataFolder } from '../data-folder.ts'
import { loadKeys } from '../keys.ts'
import { SetupError } from '../setup-error.ts'
import { openAuditLog } from './audit-part.ts'
import { auditLogPlace, changeOf, configValues } from './audit.ts'
import { tokenKeeper } from './tokens.ts'

export interface Hardened {
  /** Nothing was changed, as the steps tell. */
  readonly isRefused: boolean
  readonly steps: readonly HardenStep[]
  /** A node runs with what held before. */
  readonly needsRestart: boolean
}

export interface HardeningSources {
  /** The configuration of the node; empty where there is no file yet, which is then made. */
  readonly file: SourceFile
  readonly isNew: boolean
  /** Of the node: tokens may stand in it, and it wins over the file. */
  readonly env: Readonly<Record<string, string | undefined>>
}

/**
 * Turns on all that keeps strangers from writing over HTTP, or says what stands against it. Settings are written in one step, and
 * would survive a power cut once it resolves; a running node has them once it starts again. Hardened already, nothing changes.
 * @throws SetupError for a data folder or a file that cannot be used; ConfigError for one that is wrong.
 */
export async function hardenFolder(data: string, { file, isNew, env }: HardeningSources): Promise<Hardened> {
  const { config } = loadConfig({ file })
  const effective = loadConfig({ file, env }).config
  const tokens = await (await tokenKeeper(data, effective)).list(env)
  const { gateway, security } = config
  const { isRefused, steps, settings } = harden({
    data,
    writeMode: gateway.write_mode,
    writeRequiresAuth: security.write_requires_auth,
    writeRequiresToken: gateway.write_requires_token,
    sandbox: gateway.sandbox,
    tokens,
    isRateLimited: effective.gateway.rate_limits,
    proxies: effective.gateway.trusted_proxies,
    // A node makes them by itself, of what holds when it starts.
    manifests: [],
    canSign: false
  })
  if (isRefused) return { isRefused, steps, needsRestart: false }

  const text = withSettings(file, settings)
  const after = loadConfig({ file: { ...file, text }, env }).config
  refuseContradiction(after, env)
  const exposed = exposedBy(after, { tokens, takesOthers: after.capabilities.takesBearer })
  if (exposed.length > 0) {
    const problems = exposed.map(({ path, message }) => ({ step: path, is: 'refused', message }) as const)
    return { isRefused: true, steps: [...steps.map(held), ...problems], needsRestart: false }
  }
  if (text !== file.text) await write(file.path, text, isNew)
  const needsRestart = (await runsOpen(data)) ?? false
  const change = changeOf(configValues(config), configValues(loadConfig({ file: { ...file, text } }).config))
  const recording = change === undefined ? [] : [await recordStep(data, change)]
  return {
    isRefused,
    steps: [...steps, await manifestStep(data), ...recording, ...(needsRestart ? [RESTART] : [])],
    needsRestart
  }
}

/** The running node writes its log itself; that of a stopped one is written here. */
async function recordStep(data: string, change: EventData<'harden'>): Promise<HardenStep> {
  try {
    await record(data, change)
    return { step: 'audit', is: 'done', message: 'the audit log says what was set, and when' }
  } catch (error) {
    if (!(error instanceof SetupError || error instanceof OapError)) throw error
    const message = `not recorded: ${error.message}; the node records what is set when it starts`
    return { step: 'audit', is: 'later', message }
  }
}

async function record(data: string, change: EventData<'harden'>): Promise<void> {
  try {
    await using admin = await connectAdmin(data)
    await admin.audit.admin.audit_harden(change)
  } catch (error) {
    if (!(error instanceof SetupError && error.reason === 'unreachable')) throw error
    await using folder = await openDataFolder(data)
    const keys = await loadKeys(folder.keys, { nowMs: Date.now(), atAnyTime: true })
    await using log = await openAuditLog(auditLogPlace(folder, keys))
    await log.append(auditEvent('harden', 'local', change))
  }
}

const RESTART: HardenStep = {
  step: 'restart',
  is: 'later',
  message: 'the node runs, and takes writes as before until it is stopped and started again'
}

const held = (step: HardenStep): HardenStep => (step.is === 'done' ? { ...step, is: 'held' } : step)

function refuseContradiction(
  config: Pick<Config, 'gateway' | 'security'>,
  env: HardeningSources['env']
): void {
  const set = [
    ['gateway', 'write_mode', 'token'],
    ['gateway', 'write_requires_token', true],
    ['gateway', 'sandbox', ''],
    ['security', 'write_requires_auth', true]
  ] as const
  for (const [section, key, value] of set) {
    const name = envName({ section, key })
    const is = (config[section] as Readonly<Record<string, unknown>>)[key]
    if (is !== value && env[name] !== undefined)
      throw new SetupError('config', `${name}: wins over the file, and stands against it: unset it`)
  }
}

/** What only its owner may change keeps who may read it. */
async function write(path: string, text: string, isNew: boolean): Promise<void> {
  if (isNew) return createFile(path, text)
  // A link to the file stays one.
  const real = realpathSync(path)
  const { mode, uid } = statSync(real)
  if (process.getuid !== undefined && uid !== process.getuid())
    throw new SetupError('permission', `${real}: belongs to another user: run as its owner`)
  await replaceFile(real, text)
  await chmod(real, mode & 0o777)
}

/** Whether a node runs that takes writes without a token; undefined where none runs. */
async function runsOpen(data: string): Promise<boolean | undefined> {
  try {
    await using admin = await connectAdmin(data)
    return (await admin.status())['http_writes'] === 'open'
  } catch (error) {
    if (error instanceof SetupError && error.reason === 'unreachable') return undefined
    throw error
  }
}

async function manifestStep(data: string): Promise<HardenStep> {
  const { keys, delegations } = await keyOverview(data, Date.now())
  const isSigned = delegations.some(
    ({ delegation: { statement }, state }) => statement.role === 'manifest' && state === 'in force'
  )
  return isSigned || keys.hubKey === 'here'
    ? { step: 'manifests', is: 'done', message: 'the node makes and signs them anew when it starts' }
    : {
        step: 'manifests',
        is: 'later',
        message: `needs-resign: no key may sign them; run: ${ownCommand('key', 'delegate', '--role', 'manifest', '--data', data)}`
      }
}
