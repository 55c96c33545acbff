import { constants, createReadStream } from 'node:fs'
import { open } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import { CommandError } from '../command-error.ts'
import { EXIT } from '../exit-codes.ts'
import type { Invocation } from '../invocation.ts'
import { linesOf } from './lines.ts'

export const MAX_BODY_BYTES = 983_040
const SOURCES = ['text', 'file', 'lines'] as const
const STANDARD_INPUT = '-'
/** A pipe with nobody at its other end is refused, and not waited for. */
const READ_WITHOUT_WAITING = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0)

/** Where the bodies of a send come from. */
export type BodySource =
  | { readonly kind: 'one'; readonly body: Uint8Array }
  | { readonly kind: 'lines'; readonly lines: AsyncIterable<Uint8Array> }

/** What --text, --file or --lines names; `-` is `input`. @throws CommandError `usage`, `badInput`; SetupError */
export async function bodySource(
  invocation: Invocation,
  input: AsyncIterable<Uint8Array> = process.stdin
): Promise<BodySource> {
  const given = SOURCES.filter(name => invocation.option(name) !== undefined)
  const [source] = given
  if (source === undefined || given.length !== 1)
    throw new CommandError(EXIT.usage, 'mailbox send takes one of --text TEXT, --file FILE and --lines FILE')
  const value = invocation.option(source) ?? ''
  if (source === 'text') return { kind: 'one', body: Buffer.from(value) }
  if (value === '') throw new CommandError(EXIT.usage, `--${source}: give the path of a file, or -`)
  const isInput = value === STANDARD_INPUT
  const name = isInput ? 'standard input' : value
  if (source === 'file')
    return { kind: 'one', body: await explained(name, () => (isInput ? whole(input) : wholeFile(value))) }
  const pieces = isInput ? input : await explained(name, () => piecesOf(value))
  return { kind: 'lines', lines: explainedLines(name, linesOf(pieces, { name, most: MAX_BODY_BYTES })) }
}

async function whole(input: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const pieces: Uint8Array[] = []
  let bytes = 0
  for await (const piece of input) {
    bytes += piece.length
    if (bytes > MAX_BODY_BYTES) throw tooLarge('standard input', `more than ${MAX_BODY_BYTES}`)
    pieces.push(piece)
  }
  return Buffer.concat(pieces)
}

async function wholeFile(path: string): Promise<Uint8Array> {
  await using handle = await openRegular(path)
  const { size } = await handle.stat()
  if (size > MAX_BODY_BYTES) throw tooLarge(path, `${size}`)
  const body = await handle.readFile()
  // It may have grown meanwhile.
  if (body.length > MAX_BODY_BYTES) throw tooLarge(path, `${body.length}`)
  return body
}

const piecesOf = async (path: string): Promise<AsyncIterable<Uint8Array>> =>
  createReadStream(path, { fd: await openRegular(path) })

async function openRegular(path: string): Promise<FileHandle> {
  const handle = await open(path, READ_WITHOUT_WAITING)
  if ((await handle.stat()).isFile()) return handle
  await handle.close()
  throw new CommandError(EXIT.badInput, `${path}: not a regular file; give the path of one`)
}

async function* explainedLines(
  name: string,
  lines: AsyncGenerator<Uint8Array, void>
): AsyncGenerator<Uint8Array, void> {
  try {
    for (;;) {
      const next = await explained(name, () => lines.next())
      if (next.done === true) return
      yield next.value
    }
  } finally {
    // Whose reader left early: an input that stays open would keep the process alive.
    await lines.return()
  }
}

async function explained<T>(name: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read()
  } catch (error) {
    const { systemError } = await import('../../node/setup-error.ts')
    throw systemError(name, error)
  }
}

const tooLarge = (name: string, bytes: string): CommandError =>
  new CommandError(EXIT.badInput, `${name}: ${bytes} bytes; a message holds at most ${MAX_BODY_BYTES}`)
