import { NodeSigners } from '../identity/index.ts'
import type { NodeAudit } from './audit.ts'
import type { NodeBase } from './base.ts'
import type { Identity } from './identity.ts'

export interface SignersPlace {
  readonly audit: NodeAudit
  /** Tells linked hubs what the hub key has signed. */
  readonly tellKeys: () => Promise<void>
}

/** With what the node signs for its hub, beside its node key. */
export function openSigners(
  { log }: NodeBase,
  { folder, keys }: Identity,
  { audit, tellKeys }: SignersPlace
): NodeSigners {
  return new NodeSigners({
    folder,
    keys,
    record: event => audit.append(event),
    nowMs: () => Date.now(),
    onSigned: async role => {
      log.info({ event: 'KeyDelegated', role }, 'the hub key signed for a key of this node')
      await tellKeys()
    }
  })
}
