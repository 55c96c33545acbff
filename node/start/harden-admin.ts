import { OapError } from '../../protocols/index.ts'
import type { Handlers, hardenAdminOperations } from '../../protocols/index.ts'
import type { StaticToken } from '../ams/access/index.ts'
import { auditEvent } from '../audit/index.ts'
import type { AuditEvent, EventData } from '../audit/index.ts'
import type { Config } from '../config/index.ts'
import { changeOf, configValues } from './audit.ts'
import type { NodeBase } from './base.ts'

/** What `harden` asks of what is served over HTTP. */
export interface Hardenable {
  /** Static tokens that are good now. */
  readonly tokens: () => Promise<readonly Pick<StaticToken, 'role'>[]>
  /** Manifests and their signatures as they are served, by name, made anew if `isAnew`; none where none are served. */
  readonly manifests: (isAnew: boolean) => Promise<Readonly<Record<string, string>> | undefined>
}

export interface HardenSources {
  /** Undefined until it is served. */
  readonly surface: () => Hardenable | undefined
  /** Resolves once the entry would survive a power cut. */
  readonly append: (event: AuditEvent) => Promise<unknown>
}

type Running = Pick<NodeBase, 'config' | 'log' | 'writes'>
type Change = EventData<'harden'>

/** The operator's row that closes the running node to writes without a token, at once and until it stops. */
export const hardenAdmin = (
  { config, log, writes }: Running,
  { surface, append }: HardenSources
): Handlers<typeof hardenAdminOperations> => ({
  async harden(asked) {
    const given = entryOf(asked)
    const serves = config.http.enabled && config.gateway.enabled
    const closed = writes.close() && serves
    const closed_ms = Date.now()
    if (closed) log.info({ event: 'WritesClosed' }, 'from now on writes over HTTP need a token')
    const texts = await surface()?.manifests(closed || given !== undefined)
    const entry = given ?? (closed ? closing(config) : undefined)
    let recorded = false
    if (entry !== undefined)
      try {
        await append(entry)
        recorded = true
      } catch (err) {
        // What was closed stays so, and whoever asks is told that it is not recorded.
        log.warn({ event: 'HardenNotRecorded', err }, 'the audit log does not say that writes need a token')
      }
    return {
      serves,
      closed,
      recorded,
      lacks: serves ? lacksOf(config, (await surface()?.tokens()) ?? []) : [],
      closed_ms,
      body: Buffer.from(texts === undefined ? '' : JSON.stringify(texts))
    }
  }
})

type Asked = Pick<Change, 'keys'> & { readonly [K in 'before_sha256' | 'after_sha256']?: string | undefined }

/** @throws OapError `bad_request` for what is no change of a configuration */
function entryOf({ keys, before_sha256, after_sha256 }: Asked): AuditEvent | undefined {
  if (keys.length === 0) return undefined
  try {
    return auditEvent('harden', 'local', { keys, before_sha256, after_sha256 } as Change)
  } catch (error) {
    if (!(error instanceof TypeError)) throw error
    throw new OapError('bad_request', error.message, { cause: error })
  }
}

/** Of a node whose configuration says so already, and that did not do it: what it ran with, and what holds. */
function closing(config: Config): AuditEvent | undefined {
  const gateway = { ...config.gateway, write_mode: 'token', sandbox: '' } as const
  const change = changeOf(configValues(config), configValues({ ...config, gateway }))
  return change && auditEvent('harden', 'local', change)
}

/** What only a restart gives a node that was started with something else. */
function lacksOf({ gateway }: Config, tokens: readonly Pick<StaticToken, 'role'>[]): readonly string[] {
  const has = (role: StaticToken['role']): boolean => tokens.some(token => token.role === role)
  return [
    ...(gateway.rate_limits ? [] : ['limits']),
    ...(has('write') ? [] : ['tokens.write']),
    ...(has('admin') ? [] : ['tokens.admin'])
  ]
}
