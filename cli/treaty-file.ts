import { CommandError } from './command-error.ts'
import { readConfigFile } from './config-file.ts'
import { EXIT } from './exit-codes.ts'
import { printable } from './terminal.ts'

const MAX_BYTES = 65_536

/** The text of a treaty in a file, or on standard input for `-`. @throws CommandError `badInput`; SetupError */
export async function treatyFile(path: string): Promise<string> {
  if (path !== '-') return (await readConfigFile(path)).text
  const pieces: Buffer[] = []
  let bytes = 0
  for await (const piece of process.stdin as AsyncIterable<Buffer>) {
    pieces.push(piece)
    bytes += piece.length
    if (bytes > MAX_BYTES)
      throw new CommandError(EXIT.badInput, 'standard input: longer than any treaty; give its text alone')
  }
  return Buffer.concat(pieces).toString()
}

/**
 * The document in the text of a treaty, not judged yet. TOML travels as JSON, so that what is told of it later names
 * members alone. @throws CommandError `badInput`
 */
export async function treatyDocument(text: string, from: string): Promise<unknown> {
  const { treatyValue } = await import('../node/index.ts')
  const read = treatyValue(text)
  if ('value' in read) return read.value
  throw new CommandError(
    EXIT.badInput,
    `${printable(from === '-' ? 'standard input' : from)}: ${read.problem}`
  )
}

/** The bytes of a document as they travel. */
export const treatyBody = (document: unknown): Uint8Array => Buffer.from(JSON.stringify(document))
