import type { NodeConnection } from '../sdk/index.ts'
import type { Calling } from './client.ts'
import { CommandError } from './command-error.ts'
import { EXIT } from './exit-codes.ts'
import { answeredError } from './failure.ts'
import { refusalAdvice } from './refusal-advice.ts'
import { printable } from './terminal.ts'

const MAX_ADVICE = 500

/**
 * What `use` yields over a connection to a node; the connection is closed whatever happens.
 * @throws ConnectError; CommandError `failed` for an error answer, `unreachable` when the connection is lost on the way.
 */
export async function withPeer<T>(
  { address, ...options }: Calling,
  use: (node: NodeConnection) => Promise<T>
): Promise<T> {
  const { connect, OapError } = await import('../sdk/index.ts')
  const node = await connect(address, options)
  try {
    return await use(node)
  } catch (error) {
    if (!(error instanceof OapError)) throw error
    if (error.reason === 'session_lost') {
      const message = `${printable(address)}: ${error.message}; try again`
      throw new CommandError(EXIT.unreachable, message, { cause: error })
    }
    const advice = refusalAdvice(error)
    const way = advice === undefined ? '' : `; ${printable(advice, MAX_ADVICE)}`
    const message = `${printable(address)}: ${answeredError(error)}${way}`
    throw new CommandError(EXIT.failed, message, { cause: error })
  } finally {
    await node.close()
  }
}
