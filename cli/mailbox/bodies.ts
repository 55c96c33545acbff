import { createReadStream } from 'node:fs'
import { open, stat } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { CommandError } from '../command-error.ts'
import { EXIT } from '../exit-codes.ts'
import type { Invocation } from '../invocation.ts'
import { bytesText } from '../quantity.ts'

export const MAX_BODY_BYTES = 983_040
const SOURCES = ['text', 'file', 'lines'] as const

/** Where the bodies of a send come from. */
export type BodySource =
  | { readonly kind: 'one'; readonly body: Uint8Array }
  | { readonly kind: 'lines'; readonly lines: AsyncIterable<string> }

/** What --text, --file or --lines names. @throws CommandError `usage`, `noInput`, `badInput`; SetupError */
export async function bodySource(invocation: Invocation): Promise<BodySource> {
  const given = SOURCES.filter(name => invocation.option(name) !== undefined)
  if (given.length !== 1)
    throw new CommandError(EXIT.usage, 'mailbox send takes one of --text TEXT, --file FILE and --lines FILE')
  const text = invocation.option('text')
  if (text !== undefined) return { kind: 'one', body: Buffer.from(text) }
  const file = invocation.option('file')
  if (file !== undefined) return { kind: 'one', body: await wholeFile(file) }
  return { kind: 'lines', lines: linesOf(await lineInput(invocation.option('lines') ?? '-')) }
}

async function wholeFile(path: string): Promise<Uint8Array> {
  const { systemError } = await import('../../node/index.ts')
  try {
    await using handle = await open(path, 'r')
    const { size } = await regular(path)
    if (size > MAX_BODY_BYTES)
      throw new CommandError(
        EXIT.badInput,
        `${path}: ${bytesText(size)}; a message holds at most ${bytesText(MAX_BODY_BYTES)}`
      )
    return await handle.readFile()
  } catch (error) {
    throw systemError(path, error)
  }
}

async function regular(path: string): Promise<{ readonly size: number }> {
  const found = await stat(path)
  if (found.isFile()) return found
  throw new CommandError(EXIT.badInput, `${path}: not a regular file; give the path of one`)
}

async function lineInput(path: string): Promise<Readable> {
  if (path === '-') return process.stdin
  const { systemError } = await import('../../node/index.ts')
  await regular(path).catch((error: unknown) => {
    throw systemError(path, error)
  })
  return createReadStream(path)
}

/** The lines of an input that are not empty. @throws CommandError `badInput` for one that no message holds */
async function* linesOf(input: Readable): AsyncGenerator<string, void> {
  for await (const line of createInterface({ input, crlfDelay: Infinity })) {
    if (line.length > MAX_BODY_BYTES)
      throw new CommandError(EXIT.badInput, `a line of ${line.length} characters; a message holds fewer`)
    if (line !== '') yield line
  }
}
