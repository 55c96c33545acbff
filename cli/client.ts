import type { ConnectOptions } from '../sdk/index.ts'
import { KEY_OPTION, ownKey } from './client-key.ts'
import { NODE_ARGUMENT } from './command.ts'
import type { Option } from './command.ts'
import type { Invocation } from './invocation.ts'
import { tokenOfEnvironment } from './token-input.ts'

/** Besides the address: as whom a command calls. */
export const CLIENT_OPTIONS: readonly Option[] = [KEY_OPTION]

/** Which node a command calls, as whom, and with what right. */
export interface Calling extends Pick<ConnectOptions, 'privateKey' | 'cap'> {
  readonly address: string
}

/**
 * The address of MULTIADDR or RON_NODE_URL, the client's key if it has one, and the capability in RON_CAP if there is.
 * @throws CommandError `usage`, `badInput`, `noInput`, `permission`
 */
export async function callingOf(invocation: Invocation): Promise<Calling> {
  const address = invocation.neededArgument(NODE_ARGUMENT.name, NODE_ARGUMENT.env)
  const token = await tokenOfEnvironment(invocation.terminal)
  const privateKey = await ownKey(invocation)
  return { address, ...(token && { cap: token.bytes }), ...(privateKey && { privateKey }) }
}
