import { realpathSync, statSync } from 'node:fs'
import { chmod } from 'node:fs/promises'
import { connectAdmin } from '../admin/admin-client.ts'
import type { AdminClient } from '../admin/admin-client.ts'
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
import { manifestSteps } from './hardened-manifests.ts'
import { tokenKeeper } from './tokens.ts'

export interface Hardened {
  /** Nothing was changed, as the steps tell. */
  readonly isRefused: boolean
  readonly steps: readonly HardenStep[]
  /** A node runs that lacks something which it has only once it starts again. */
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
 * would survive a power cut once it resolves; a running node is closed at once, and its manifests are signed anew. Hardened
 * already, nothing changes.
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
    proxies: effective.gateway.trusted_proxies
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
  const changedMs = Date.now()
  if (text !== file.text) await write(file.path, text, isNew)
  const change = changeOf(configValues(config), configValues(loadConfig({ file: { ...file, text } }).config))
  const carried = await carriedOut(data, { change, changedMs })
  return { isRefused, steps: [...steps, ...carried.steps], needsRestart: carried.needsRestart }
}

/** What a running node did of it, or what its log says of a stopped one. */
async function carriedOut(data: string, { change, changedMs }: Changed): Promise<Carried> {
  const { keys, delegations } = await keyOverview(data, Date.now())
  const wayOut = ownCommand('key', 'delegate', '--role', 'manifest', '--data', data)
  try {
    await using admin = await connectAdmin(data)
    return await closed(admin, { hub: keys.hubId, wayOut, change, changedMs })
  } catch (error) {
    if (error instanceof OapError) return { steps: [notClosed(error)], needsRestart: true }
    if (!(error instanceof SetupError && error.reason === 'unreachable')) throw error
  }
  const isSigned = delegations.some(
    ({ delegation: { statement }, state }) => statement.role === 'manifest' && state === 'in force'
  )
  const message =
    isSigned || keys.hubKey === 'here'
      ? 'the node is stopped: it makes and signs them anew when it starts'
      : `needs-resign: no key may sign them; run: ${wayOut}`
  const recording = change === undefined ? [] : [await recordStep(data, change)]
  return { steps: [{ step: 'manifests', is: 'later', message }, ...recording], needsRestart: false }
}

interface Changed {
  /** Undefined where the file said so already. */
  readonly change: EventData<'harden'> | undefined
  /** Unix ms before which nothing was changed. */
  readonly changedMs: number
}

type Carried = Pick<Hardened, 'steps' | 'needsRestart'>

/** Has the running node close, and judges what it then says of itself. */
async function closed(
  admin: Pick<AdminClient, 'hardening'>,
  { hub, wayOut, change, changedMs }: Changed & { readonly hub: string; readonly wayOut: string }
): Promise<Carried> {
  const answer = await admin.hardening.harden(change ?? { keys: [] })
  const isChanged = change !== undefined || answer.closed
  const texts = answer.body === undefined || answer.body.length === 0 ? undefined : textsOf(answer.body)
  const recording = isChanged ? [recorded(answer.recorded)] : []
  const restart = answer.lacks.map(restartStep)
  return {
    steps: [
      nodeStep(answer),
      ...(texts === undefined
        ? []
        : manifestSteps({ hub, texts, wayOut, changedMs: isChanged ? changedMs : undefined })),
      ...recording,
      ...restart
    ],
    needsRestart: restart.length > 0
  }
}

const nodeStep = ({ serves, closed: isNews }: { serves: boolean; closed: boolean }): HardenStep => {
  if (!serves) return { step: 'node', is: 'already', message: 'the running node takes no writes over HTTP' }
  return isNews
    ? { step: 'node', is: 'done', message: 'the running node takes no write without a token from now on' }
    : { step: 'node', is: 'already', message: 'the running node takes no write without a token' }
}

const notClosed = ({ message }: OapError): HardenStep => ({
  step: 'node',
  is: 'later',
  message: `the running node may take writes as before: ${message}; stop it, and start it again`
})

/** What it lacks, although configuration, environment and files have it. */
const LACKED: Readonly<Record<string, string>> = {
  limits: 'rate limits',
  'tokens.write': 'the WRITE token',
  'tokens.admin': 'the ADMIN token'
}

const restartStep = (lack: string): HardenStep => ({
  step: 'restart',
  is: 'later',
  message: `the node was started without ${LACKED[lack] ?? lack}: stop it, and start it again`
})

const textsOf = (body: Uint8Array): Readonly<Record<string, string>> =>
  JSON.parse(Buffer.from(body).toString())

const recorded = (isRecorded: boolean): HardenStep =>
  isRecorded
    ? { step: 'audit', is: 'done', message: 'the audit log says what was set, and when' }
    : { step: 'audit', is: 'later', message: 'not recorded: the log of the node says why' }

async function recordStep(data: string, change: EventData<'harden'>): Promise<HardenStep> {
  try {
    await using folder = await openDataFolder(data)
    const keys = await loadKeys(folder.keys, { nowMs: Date.now(), atAnyTime: true })
    await using log = await openAuditLog(auditLogPlace(folder, keys))
    await log.append(auditEvent('harden', 'local', change))
    return recorded(true)
  } catch (error) {
    if (!(error instanceof SetupError || error instanceof OapError)) throw error
    const message = `not recorded: ${error.message}; the node records what is set when it starts`
    return { step: 'audit', is: 'later', message }
  }
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
