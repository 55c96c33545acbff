import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Config } from '../config/index.ts'
import { OWN_KEY_ROLES } from '../identity/index.ts'
import { SetupError } from '../setup-error.ts'
import type { Identity } from './identity.ts'

/** Whether a node follows another hub and takes no writes. */
export const isMirror = ({ node }: Pick<Config, 'node'>): boolean => node.role === 'mirror'

/**
 * A mirror has the key of its node alone: nobody who takes it over can sign for a hub.
 * @throws SetupError `config` naming a key that lies there.
 */
export function refuseSigningKeys(config: Pick<Config, 'node'>, { folder, keys }: Identity): void {
  if (!isMirror(config)) return
  const found = [
    ...(keys.hubKey === 'elsewhere' ? [] : ['hub.key']),
    ...OWN_KEY_ROLES.map(role => `${role}.key`).filter(
      name => folder !== undefined && existsSync(join(folder.keys, name))
    )
  ]
  if (folder === undefined)
    throw new SetupError('config', 'node.role: a mirror keeps what it follows in a data folder: give one')
  if (found.length > 0)
    throw new SetupError(
      'config',
      `node.role: a mirror holds no key that signs for a hub: move ${join(folder.keys, found[0]!)} away`
    )
}
