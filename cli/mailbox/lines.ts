import { CommandError } from '../command-error.ts'
import { EXIT } from '../exit-codes.ts'

const LINE_FEED = 0x0a
const CARRIAGE_RETURN = 0x0d

/**
 * The lines of `input` that are not empty, byte for byte as they came, without their ends: `\n` or `\r\n`. No more than
 * one line is held. @throws CommandError `badInput` for one of more than `most` bytes, by its number in `name`
 */
export async function* linesOf(
  input: AsyncIterable<Uint8Array>,
  { name, most }: { readonly name: string; readonly most: number }
): AsyncGenerator<Uint8Array, void> {
  let begun: Uint8Array[] = []
  let bytes = 0
  let count = 1
  const add = (piece: Uint8Array): void => {
    begun.push(piece)
    bytes += piece.length
    // A carriage return that belongs to the end is not yet known to be one.
    if (bytes > most + 1) throw tooLong()
  }
  const taken = (): Uint8Array => {
    const line = Buffer.concat(begun)
    begun = []
    bytes = 0
    const whole = line.at(-1) === CARRIAGE_RETURN ? line.subarray(0, -1) : line
    if (whole.length > most) throw tooLong()
    return whole
  }
  const tooLong = (): CommandError =>
    new CommandError(
      EXIT.badInput,
      `${name}, line ${count}: more than ${most} bytes, which is what a message holds at most`
    )
  for await (const chunk of input) {
    let at = 0
    for (let end = chunk.indexOf(LINE_FEED); end !== -1; end = chunk.indexOf(LINE_FEED, at)) {
      add(chunk.subarray(at, end))
      const line = taken()
      if (line.length > 0) yield line
      count++
      at = end + 1
    }
    if (at < chunk.length) add(chunk.subarray(at))
  }
  const last = taken()
  if (last.length > 0) yield last
}
