import type { FederationServices } from '../../transport/index.ts'
import type { Allowlist } from '../allowlist/index.ts'
import type { NodeBase } from './base.ts'
import type { NodeDht } from './dht.ts'
import type { SharesGossip } from './shares-gossip.ts'

export interface FederationPlace {
  readonly allowlist: Pick<Allowlist, 'size' | 'onChange'>
  /** What linked hubs share, prepared and not open. */
  readonly services: Pick<FederationServices, 'open' | 'close'>
  /** Told when they are opened and closed. */
  readonly dht?: Pick<NodeDht, 'opened' | 'closing' | 'closed'>
  readonly gossip?: Pick<SharesGossip, 'opened' | 'closing'>
}

/**
 * Opens gossip and DHT while the allowlist has an entry, also one that is added later, and closes them when the last one
 * is gone. A node that federates with nobody never loads them. One that fails to open is tried again; the node is ready
 * without.
 */
export function openFederation(
  { supervise }: NodeBase,
  { allowlist, services, dht, gossip }: FederationPlace
): Promise<void> {
  const close = async (): Promise<void> => {
    gossip?.closing()
    await dht?.closing()
    await services.close()
    await dht?.closed()
  }
  return supervise({
    service: 'federation',
    crashReason: 'crash_exception',
    async run(started, signal) {
      let changed = Promise.withResolvers<void>()
      const onChange = (): void => changed.resolve()
      const unfollow = allowlist.onChange(onChange)
      signal.addEventListener('abort', onChange)
      try {
        started()
        while (!signal.aborted) {
          changed = Promise.withResolvers<void>()
          if (allowlist.size === 0) await close()
          else {
            const opened = await services.open()
            await dht?.opened(opened)
            gossip?.opened(opened)
          }
          if (!signal.aborted) await changed.promise
        }
      } finally {
        unfollow()
        signal.removeEventListener('abort', onChange)
        await close()
      }
    }
  })
}
