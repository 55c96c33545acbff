import { createInterface } from 'node:readline'
import { Writable } from 'node:stream'
import { CommandError } from './command-error.ts'
import { EXIT } from './exit-codes.ts'

/**
 * A line that a person types at a terminal, which does not show it.
 * @throws CommandError `interrupted` for Ctrl-C, `usage` when the terminal ends before the line does
 */
export async function askSecret(
  question: string,
  { input, output }: { readonly input: NodeJS.ReadableStream; readonly output: NodeJS.WritableStream }
): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  const unseen = new Writable({ write: (_chunk, _encoding, done) => done() })
  const lines = createInterface({ input, output: unseen, terminal: true, historySize: 0 })
  // Only now does the terminal show nothing of what is typed.
  output.write(question)
  lines.once('line', resolve)
  lines.once('SIGINT', () => reject(new CommandError(EXIT.interrupted, 'interrupted; nothing was done')))
  lines.once('close', () => reject(new CommandError(EXIT.usage, 'no password was typed')))
  try {
    return await promise
  } finally {
    lines.close()
    output.write('\n')
  }
}
