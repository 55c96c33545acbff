import { federationAdminOperations } from '../../protocols/index.ts'
import { Allowlist, configuredHubs, federationAdmin, nodeStopped } from '../allowlist/index.ts'
import type { FederationClient } from '../allowlist/index.ts'
import { SteadyClock, directOver } from '../capabilities/index.ts'
import type { Config } from '../config/index.ts'
import { PeerKeys } from '../peer-keys/index.ts'
import { recordedStopped } from './refused-requests.ts'
import type { StoppedHub } from './stopped.ts'

/**
 * The hubs that may federate with a hub whose node does not run, for its operator.
 * @throws ConfigError for what is wrong with those of the configuration.
 */
export async function stoppedFederation(
  { keys: { hubId: hub }, level, log, capabilities }: StoppedHub,
  config: Config
): Promise<FederationClient> {
  const clock = new SteadyClock()
  const allowlist = await Allowlist.open(() => level, {
    self: hub,
    configured: await configuredHubs(config, hub),
    record: event => log.append(event),
    isTenant: id => capabilities.isActive(id),
    seconds: () => clock.seconds()
  })
  const standing = {
    federation: config.federation.name,
    hub,
    addresses: config.node.announce,
    only_private_addresses: false
  }
  const keys = await PeerKeys.open(() => level, {
    isAllowed: id => allowlist.get(id) !== undefined,
    record: event => log.append(event),
    seconds: () => clock.seconds()
  })
  const handlers = federationAdmin({
    allowlist: () => allowlist,
    keys: () => keys,
    links: nodeStopped,
    standing: () => standing
  })
  return directOver(federationAdminOperations, recordedStopped(log, handlers))
}
