import { createHash } from 'node:crypto'
import type { Cid, VerifiedBlock } from '../../protocols/index.ts'
import type { BlobPlace } from './place.ts'

export interface Download {
  readonly cid: Cid
  readonly offset: number
  /** To the end of the blob when absent. */
  readonly length?: number | undefined
  /** Takes the bytes in order; the next come when it resolves. */
  readonly write: (bytes: Uint8Array) => Promise<void>
  /** Told how many bytes of the blob will come. */
  readonly onLength?: (bytes: number) => void
  /** What of a block is written; its bytes of the blob if missing. */
  readonly piecesOf?: (block: VerifiedBlock) => readonly Uint8Array[]
}

/** Gets bytes of a blob, each block proved here before it is written; yields how many were. */
export async function download(
  { rows, calling }: BlobPlace,
  { cid, offset, length, write, onLength, piecesOf = ({ plain }) => plain }: Download
): Promise<number> {
  const { cidText, dagVerifier } = await import('../../protocols/index.ts')
  const range = { offset, ...(length !== undefined && { length }) }
  const { head, body } = await rows.get({ cid: cidText(cid), ...range }, calling)
  onLength?.(head.length)
  const verifier = dagVerifier({ cid, ...range, sha256: () => createHash('sha256') })
  let bytes = 0
  for await (const chunk of body) {
    for (const block of verifier.push(chunk)) {
      for (const piece of piecesOf(block)) {
        await write(piece)
        bytes += piece.length
      }
    }
  }
  verifier.end()
  return bytes
}
