import { type FileHandle, open } from 'node:fs/promises'
import { MAX_LINE_BYTES } from './entry.ts'

const CHUNK_BYTES = 256 * 1024
const LF = 0x0a

/** Lines of a file as they came out of one read, without their line feeds. */
export interface LineChunk {
  readonly lines: readonly Buffer[]
  /** At the end of the file: bytes behind its last line feed. Longer ones than a line may be are cut. */
  readonly tail?: Buffer
}

/**
 * The lines of a file in order, read piece by piece; the last chunk alone has a `tail`. A line that is longer than a
 * line may be comes cut, but still too long.
 */
export async function* readLines(path: string): AsyncGenerator<LineChunk> {
  await using file = await open(path, 'r')
  yield* linesIn(piecesOf(file))
}

async function* piecesOf(file: FileHandle): AsyncGenerator<Buffer> {
  for (let position = 0; ;) {
    const chunk = Buffer.allocUnsafe(CHUNK_BYTES)
    const { bytesRead } = await file.read(chunk, 0, CHUNK_BYTES, position)
    if (bytesRead === 0) return
    position += bytesRead
    yield chunk.subarray(0, bytesRead)
  }
}

/** The same of bytes that come in pieces. */
export async function* linesIn(pieces: AsyncIterable<Buffer> | Iterable<Buffer>): AsyncGenerator<LineChunk> {
  let carry: Buffer = Buffer.alloc(0)
  for await (const piece of pieces) {
    const { lines, rest } = divide(carry, piece)
    carry = rest
    if (lines.length > 0) yield { lines }
  }
  yield { lines: [], tail: carry }
}

function divide(carry: Buffer, chunk: Buffer): { readonly lines: Buffer[]; readonly rest: Buffer } {
  const lines: Buffer[] = []
  let from = 0
  let held = carry
  for (let end = chunk.indexOf(LF); end >= 0; end = chunk.indexOf(LF, from)) {
    lines.push(joined(held, chunk.subarray(from, end)))
    held = Buffer.alloc(0)
    from = end + 1
  }
  return { lines, rest: joined(held, chunk.subarray(from)) }
}

function joined(held: Buffer, piece: Buffer): Buffer {
  if (held.length === 0) return piece.length > MAX_LINE_BYTES ? piece.subarray(0, MAX_LINE_BYTES + 1) : piece
  return Buffer.concat([held, piece.subarray(0, Math.max(0, MAX_LINE_BYTES + 1 - held.length))])
}
