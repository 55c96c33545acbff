import type { HubKeyGiven } from '../node/index.ts'
import type { Option } from './command.ts'
import type { ExitName } from './exit-codes.ts'
import type { Invocation } from './invocation.ts'
import { passwordOptions, passwordSource } from './password.ts'

/** How a person gives the hub key to a command that signs with it. */
export const HUB_KEY_OPTIONS: readonly Option[] = [
  {
    name: 'hub-key',
    value: 'FILE',
    summary: 'secret hub key, when it is kept elsewhere (default: keys/hub.key of the data folder)',
    completes: 'file'
  },
  ...passwordOptions('', 'the password of the hub key')
]

export const HUB_KEY_DETAILS =
  'The hub key signs: from the data folder, or from --hub-key when it is kept elsewhere. If a password protects it, it is ' +
  'asked for at a terminal, or comes from a file or from the environment. The node must be stopped.'

/** How the commands that work on the keys of a stopped node may end. */
export const KEY_EXITS: readonly ExitName[] = [
  'badInput',
  'noInput',
  'newerFormat',
  'io',
  'inUse',
  'permission',
  'interrupted'
]

/** @throws CommandError `usage` */
export function givenHubKey(invocation: Invocation): HubKeyGiven {
  const ask = passwordSource(invocation, '')
  return {
    file: invocation.option('hub-key'),
    password: ask && (file => ask(`Password of ${file}: `))
  }
}
