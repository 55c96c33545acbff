import { Allowlist, configuredHubs } from '../allowlist/index.ts'
import type { NodeStore } from '../stores/node-store.ts'
import type { NodeAudit } from './audit.ts'
import type { NodeBase } from './base.ts'
import type { Rights } from './capabilities.ts'
import type { Identity } from './identity.ts'

/** So late at most a link ends after its treaty. */
const EXPIRE_EVERY_MS = 500

export interface AllowlistSources {
  readonly store: NodeStore
  readonly audit: NodeAudit
  readonly rights: Pick<Rights, 'capabilities' | 'seconds'>
  /** The store is a copy that ends with the process. */
  readonly isPassing: boolean
}

/**
 * Opens the list of the hubs that may federate with this one, those of the configuration with their treaties read.
 * @throws ConfigError for what is wrong with those.
 */
export async function openAllowlist(
  { config, log, metrics, started }: NodeBase,
  { keys: { hubId: self } }: Identity,
  { store, audit, rights: { capabilities, seconds }, isPassing }: AllowlistSources
): Promise<Allowlist> {
  const allowlist = await Allowlist.open(() => store.level, {
    self,
    configured: await configuredHubs(config, self),
    record: event => audit.append(event),
    isTenant: id => capabilities.isActive(id),
    seconds,
    isPassing,
    onDamaged: hub =>
      log.error(
        { event: 'AllowedHubDamaged', hub },
        'a stored entry of the allowlist is damaged; its hub may not federate until it is added again'
      )
  })
  for (const hub of allowlist.hidden())
    log.warn(
      { event: 'AllowedHubHidden', hub },
      'an entry of the configuration hides a stored one, which holds again when that is gone'
    )
  for (const { hub, problem } of allowlist.orphans())
    log.warn({ event: 'ShareWithoutTenant', hub, problem }, 'a share of a treaty allows nothing')
  metrics.gauge('allowed_hubs', 'Hubs on the allowlist.', () => allowlist.size)
  const expire = (): void => {
    for (const hub of allowlist.expire()) log.warn({ event: 'TreatyExpired', hub }, 'a treaty has expired')
  }
  const timer = setInterval(expire, EXPIRE_EVERY_MS).unref()
  started.defer(() => clearInterval(timer))
  return allowlist
}
