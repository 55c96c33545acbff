import { createInterface } from 'node:readline'
import { CommandError } from './command-error.ts'
import { EXIT } from './exit-codes.ts'

/**
 * A line that a person types.
 * @throws CommandError `interrupted` for Ctrl-C, `usage` when the input ends before the line does
 */
export async function ask(
  question: string,
  { input, output }: { readonly input: NodeJS.ReadableStream; readonly output: NodeJS.WritableStream }
): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  const lines = createInterface({ input, output })
  lines.once('SIGINT', () => reject(new CommandError(EXIT.interrupted, 'interrupted; nothing was done')))
  lines.once('close', () => reject(new CommandError(EXIT.usage, 'no answer was typed')))
  lines.question(question, resolve)
  try {
    return await promise
  } finally {
    lines.close()
  }
}
