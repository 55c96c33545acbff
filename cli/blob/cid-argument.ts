import type { Cid } from '../../protocols/index.ts'
import { CommandError } from '../command-error.ts'
import { EXIT } from '../exit-codes.ts'
import type { Invocation } from '../invocation.ts'

/** The argument CID. @throws CommandError `usage` for what is none */
export async function cidArgument(
  invocation: Invocation
): Promise<{ readonly text: string; readonly cid: Cid }> {
  const { parseCid } = await import('../../protocols/index.ts')
  const text = invocation.neededArgument('CID')
  try {
    return { text, cid: parseCid(text) }
  } catch (cause) {
    throw new CommandError(EXIT.usage, `CID ${text}: ${(cause as Error).message}`, { cause })
  }
}
