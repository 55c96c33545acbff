import { STORAGE_LIMITS } from './limits.ts'

const LENGTH_BYTES = 4

/**
 * The body of a `dag` answer: each block behind its length as u32 LE, in chunks of `chunkBytes` that are cut without regard
 * to blocks. Every byte is copied once.
 * @see specs/storage.md, section 3.2
 */
export async function* framedBlocks(
  blocks: AsyncIterable<{ readonly bytes: Uint8Array }>,
  chunkBytes: number = STORAGE_LIMITS.chunkBytes
): AsyncGenerator<Uint8Array, void> {
  let chunk = new Uint8Array(chunkBytes)
  let filled = 0
  for await (const { bytes } of blocks) {
    const length = lengthOf(bytes)
    for (const piece of [length, bytes]) {
      let at = 0
      while (at < piece.length) {
        const part = piece.subarray(at, at + chunkBytes - filled)
        chunk.set(part, filled)
        at += part.length
        filled += part.length
        if (filled < chunkBytes) continue
        yield chunk
        chunk = new Uint8Array(chunkBytes)
        filled = 0
      }
    }
  }
  if (filled > 0) yield chunk.subarray(0, filled)
}

function lengthOf({ length }: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(LENGTH_BYTES)
  new DataView(bytes.buffer).setUint32(0, length, true)
  return bytes
}
