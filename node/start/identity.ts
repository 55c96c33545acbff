import { existsSync } from 'node:fs'
import { defaultConfigText } from '../config/index.ts'
import type { Config } from '../config/index.ts'
import { openDataFolder } from '../data-folder.ts'
import type { DataFolder } from '../data-folder.ts'
import { createFile } from '../durable-file.ts'
import { ephemeralKeys } from '../ephemeral-keys.ts'
import { initKeys, loadKeys } from '../keys.ts'
import type { NodeKeys } from '../keys.ts'
import { endsSoon } from '../link-delegations.ts'
import type { NodeOptions } from '../node-options.ts'
import { SetupError } from '../setup-error.ts'
import type { NodeBase } from './base.ts'

const SIGN_AGAIN = 'the hub key must sign for this node again before that: omnigate key delegate --role link'

export interface Identity {
  readonly folder: DataFolder | undefined
  readonly keys: NodeKeys
}

/** Takes the data folder and reads its keys, or makes keys for as long as the process lives. */
export async function openIdentity(base: NodeBase, { data, init = false }: NodeOptions): Promise<Identity> {
  const { config, started, startedAt } = base
  if (data === undefined) return { folder: undefined, keys: await ephemeralKeys(config.node.name) }
  const folder = started.use(await openDataFolder(data, { create: init }))
  if (init) await makeKeys(base, folder)
  const keys = await loadKeys(folder.keys, { nowMs: startedAt })
  checkName(config, keys)
  const ends = endsSoon(keys.delegation, Math.floor(startedAt / 1000))
  if (ends !== undefined) base.log.warn({ event: 'DelegationEnds', at: ends }, SIGN_AGAIN)
  return { folder, keys }
}

async function makeKeys(base: NodeBase, folder: DataFolder): Promise<void> {
  const { config, log, state, started, startedAt } = base
  started.defer(() => (state.isStarted ? undefined : folder.undo()))
  if (existsSync(folder.keys)) return
  const nodeName = config.node.name
  if (!existsSync(folder.config)) await createFile(folder.config, defaultConfigText({ name: nodeName }))
  const { hubId } = await initKeys(folder.keys, { nodeName, nowMs: startedAt })
  log.info({ event: 'HubMade', hub: hubId, data: folder.folder }, 'made a data folder with new keys')
}

function checkName({ node }: Config, { delegation }: NodeKeys): void {
  const named = delegation.statement.node
  if (named === node.name) return
  throw new SetupError(
    'config',
    `node.name: is ${node.name}, but the hub key delegated to ${named}; set it back`
  )
}
