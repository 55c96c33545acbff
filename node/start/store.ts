import { existsSync } from 'node:fs'
import { PEER_ROWS } from '../allowlist/index.ts'
import { RIGHTS } from '../capabilities/index.ts'
import type { NodeOptions } from '../node-options.ts'
import { FOLLOWED_ROWS } from '../exchange/index.ts'
import { PEER_KEY_ROWS } from '../peer-keys/index.ts'
import { openLevel } from '../stores/level.ts'
import type { Level } from '../stores/level.ts'
import { NodeStore } from '../stores/node-store.ts'
import type { NodeBase } from './base.ts'
import type { Identity } from './identity.ts'

type OpenLevel = (location: string) => Promise<Level>

/**
 * Opens the store of a data folder, or one in memory where there is none. An ephemeral one of a data folder begins with
 * the folder's tenants, rights, allowed hubs and what is known of their keys; none of the first three is to be changed then.
 */
export async function openStore(
  { supervise }: NodeBase,
  { folder }: Identity,
  { ephemeral = false, overrides: { openStore: open = openLevel } = {} }: NodeOptions
): Promise<NodeStore> {
  const store = new NodeStore(() => {
    if (folder === undefined) return open('memory')
    return ephemeral ? openCopy(open, folder.store) : open(folder.store)
  })
  await supervise({
    service: 'store',
    crashReason: 'crash_store',
    run: (started, signal) => store.run(started, signal)
  })
  return store
}

async function openCopy(open: OpenLevel, location: string): Promise<Level> {
  const copy = await open('memory')
  if (existsSync(location)) await copyRights(open, location, copy)
  return copy
}

async function copyRights(open: OpenLevel, location: string, copy: Level): Promise<void> {
  const kept = await open(location)
  try {
    for (const name of [...RIGHTS, PEER_ROWS, PEER_KEY_ROWS, FOLLOWED_ROWS]) {
      const rows = await kept.sublevel<string, Uint8Array>(name, VIEW).iterator().all()
      const target = copy.sublevel<string, Uint8Array>(name, VIEW)
      await target.batch(rows.map(([key, value]) => ({ type: 'put', key, value })))
    }
  } finally {
    await kept.close()
  }
}

const VIEW = { valueEncoding: 'view' } as const
