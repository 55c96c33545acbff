import { CommandError } from '../command-error.ts'
import { EXIT } from '../exit-codes.ts'

/** Three frames of the largest size, and their white space. */
const MAX_TEXT_CHARS = 8 * 1024 * 1024

/**
 * The bytes that a text of hex digits stands for; white space is skipped.
 * @throws CommandError `badInput`, which ends with `wayOut` when the text is not hex at all.
 */
export function readHex(text: string, wayOut = 'give the bytes in hex'): Uint8Array {
  if (text.length > MAX_TEXT_CHARS) throw tooLong()
  const digits = text.replaceAll(/\s+/g, '').replace(/^0x/i, '')
  const stranger = /[^0-9a-fA-F]/.exec(digits)
  if (stranger !== null) {
    throw bad(
      `the input: ${JSON.stringify(stranger[0])} at digit ${stranger.index} is not a hex digit; ${wayOut}`
    )
  }
  if (digits === '') throw bad('the input: no hex digits; give a frame, or - and frames on standard input')
  if (digits.length % 2 !== 0)
    throw bad(`the input: ${digits.length} hex digits; two make a byte, one is missing or too many`)
  return Uint8Array.from(Buffer.from(digits, 'hex'))
}

/** The whole of a stream as text, up to a bound. @throws CommandError `badInput` */
export async function readInput(stream: AsyncIterable<Uint8Array>): Promise<string> {
  const pieces: Uint8Array[] = []
  let size = 0
  for await (const piece of stream) {
    size += piece.length
    if (size > MAX_TEXT_CHARS) throw tooLong()
    pieces.push(piece)
  }
  return Buffer.concat(pieces).toString('latin1')
}

const bad = (message: string): CommandError => new CommandError(EXIT.badInput, message)
const tooLong = (): CommandError => bad('the input: longer than 8 MiB; cut it into fewer frames')
