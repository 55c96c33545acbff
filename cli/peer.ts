import type { NodeConnection } from '../sdk/index.ts'
import { CommandError } from './command-error.ts'
import { EXIT } from './exit-codes.ts'
import { answeredError } from './failure.ts'
import { printable } from './terminal.ts'

/**
 * What `use` yields over a connection to the node at `address`; the connection is closed whatever happens.
 * @throws ConnectError; CommandError `failed` for an error answer, `unreachable` when the connection is lost on the way.
 */
export async function withPeer<T>(address: string, use: (node: NodeConnection) => Promise<T>): Promise<T> {
  const { connect, OapError } = await import('../sdk/index.ts')
  const node = await connect(address)
  try {
    return await use(node)
  } catch (error) {
    if (!(error instanceof OapError)) throw error
    if (error.reason === 'session_lost') {
      const message = `${printable(address)}: ${error.message}; try again`
      throw new CommandError(EXIT.unreachable, message, { cause: error })
    }
    throw new CommandError(EXIT.failed, `${printable(address)}: ${answeredError(error)}`, { cause: error })
  } finally {
    await node.close()
  }
}
