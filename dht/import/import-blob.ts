import type { Profile } from '../../protocols/index.ts'
import { FileDag } from './file-dag.ts'
import type { Block, Root } from './file-dag.ts'

/** Where blocks go. A leaf's bytes may be a view of what the source yielded; they hold until this resolves. */
export type BlockSink = (block: Block) => Promise<void> | void

export interface ImportOptions {
  /** Default: the profile that a request means when it names none. */
  readonly profile?: Profile
  readonly signal?: AbortSignal
  /** Hears the plain bytes whose blocks the sink has taken. */
  readonly onProgress?: (bytes: number) => void
}

/** A longer piece is cut, so that not all of its blocks are held at once. */
const PIECE_BYTES = 1_048_576

/**
 * Writes the blocks of a blob into a sink, children before their parents, and yields its root once the sink has taken all.
 * The next piece is asked of the source when the sink has taken what the last one completed. An error of the source or the
 * sink, or an abort, passes as it is; the blocks so far then have no root.
 */
export async function importBlob(
  source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  sink: BlockSink,
  { profile, signal, onProgress }: ImportOptions = {}
): Promise<Root> {
  const dag = new FileDag(profile)
  let taken = 0
  for await (const bytes of source) {
    for (let at = 0; at < bytes.length; at += PIECE_BYTES) {
      const piece = bytes.subarray(at, at + PIECE_BYTES)
      for (const block of dag.push(piece)) {
        signal?.throwIfAborted()
        await sink(block)
      }
      onProgress?.((taken += piece.length))
    }
  }
  signal?.throwIfAborted()
  const { blocks, root } = dag.end()
  for (const block of blocks) await sink(block)
  return root
}
