import type { NodeOptions } from '../node-options.ts'
import { openLevel } from '../stores/level.ts'
import { NodeStore } from '../stores/node-store.ts'
import type { NodeBase } from './base.ts'
import type { Identity } from './identity.ts'

/** Opens the store of a data folder, or one in memory where there is none. */
export async function openStore(
  { supervise }: NodeBase,
  { folder }: Identity,
  { ephemeral = false, overrides: { openStore: open = openLevel } = {} }: NodeOptions
): Promise<NodeStore> {
  const location = folder === undefined || ephemeral ? 'memory' : folder.store
  const store = new NodeStore(() => open(location))
  await supervise({
    service: 'store',
    crashReason: 'crash_store',
    run: (started, signal) => store.run(started, signal)
  })
  return store
}
