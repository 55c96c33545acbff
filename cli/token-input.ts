import { constants } from 'node:fs'
import { open } from 'node:fs/promises'
import type { UnprovedToken } from '../protocols/index.ts'
import { CommandError } from './command-error.ts'
import type { Argument } from './command.ts'
import { EXIT } from './exit-codes.ts'
import type { Invocation } from './invocation.ts'
import { printable } from './terminal.ts'

export const CAP_VARIABLE = 'RON_CAP'

export const TOKEN_ARGUMENT: Argument = {
  name: 'FILE',
  summary: `file with the token's text, or - for standard input (default: the text in ${CAP_VARIABLE} of the environment)`,
  isOptional: true,
  completes: 'file'
}

const MAX_CHARS = 8192
const READ_WITHOUT_WAITING = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0)
const LOOKS_LIKE_A_TOKEN = /^[\w-]{64,}$/

/** A token, with where it came from for messages. */
export interface GivenToken {
  readonly bytes: Uint8Array
  readonly says: UnprovedToken
  readonly from: string
}

/**
 * The token that a command was given: in a file, on standard input, or in the environment; never as an argument, which
 * every process of the machine can see. @throws CommandError `usage`, `badInput`; SetupError
 */
export async function givenToken(invocation: Invocation): Promise<GivenToken> {
  const { from, text } = await tokenSource(invocation)
  return readToken(text.trim(), from)
}

/** The token in RON_CAP; undefined when there is none. @throws CommandError `badInput` */
export async function tokenOfEnvironment({ env }: Invocation['terminal']): Promise<GivenToken | undefined> {
  const text = env[CAP_VARIABLE]?.trim()
  return text === undefined || text === '' ? undefined : readToken(text, CAP_VARIABLE)
}

async function tokenSource(
  invocation: Invocation
): Promise<{ readonly from: string; readonly text: string }> {
  const file = invocation.argument(TOKEN_ARGUMENT.name)
  const env = invocation.terminal.env[CAP_VARIABLE]
  if (file === '-') return { from: 'standard input', text: await readAll(process.stdin) }
  if (file !== undefined) return { from: file, text: await readTokenFile(file) }
  if (env !== undefined && env.trim() !== '') return { from: CAP_VARIABLE, text: env }
  throw new CommandError(
    EXIT.usage,
    `no token: give the file that holds it, - for standard input, or set ${CAP_VARIABLE}`
  )
}

async function readTokenFile(path: string): Promise<string> {
  if (LOOKS_LIKE_A_TOKEN.test(path))
    throw new CommandError(
      EXIT.usage,
      `a token is no argument, since all users of a machine can see those: put it into ${CAP_VARIABLE} or a file, or give - for standard input`
    )
  const { systemError } = await import('../node/setup-error.ts')
  try {
    await using file = await open(path, READ_WITHOUT_WAITING)
    const stat = await file.stat()
    if (!stat.isFile())
      throw new CommandError(EXIT.badInput, `${path}: not a regular file; give one, or - for standard input`)
    if (stat.size > MAX_CHARS) throw tooLong(path)
    return await file.readFile('utf8')
  } catch (error) {
    throw systemError(path, error)
  }
}

async function readAll(stream: AsyncIterable<unknown>): Promise<string> {
  let text = ''
  for await (const piece of stream) {
    text += String(piece)
    if (text.length > MAX_CHARS) throw tooLong('standard input')
  }
  return text
}

const tooLong = (from: string): CommandError =>
  new CommandError(EXIT.badInput, `${from}: longer than any token; give its text alone`)

async function readToken(text: string, from: string): Promise<GivenToken> {
  const { inspectToken, tokenBytes } = await import('../protocols/index.ts')
  try {
    const bytes = tokenBytes(text)
    return { bytes, says: inspectToken(bytes), from }
  } catch (error) {
    const why = error instanceof Error ? error.message.replace(/^capability: /, '') : String(error)
    const message =
      text === '' ? 'empty; it must hold the text of a token' : `not a token: ${why}; copy it whole`
    throw new CommandError(EXIT.badInput, `${printable(from)}: ${message}`, { cause: error })
  }
}
