import type { Stream } from '@libp2p/interface'
import { cidText, dagWalk, framedBlocks, parseCid, storageService } from '../../protocols/index.ts'
import type { Cid } from '../../protocols/index.ts'
import { answering, partly } from '../links/answering.fixture.ts'

/** Serves one blob, of which it sends so many chunks as they are and the next one with a wrong bit. */
export function lyingStorage(
  root: Cid,
  length: number,
  blocks: (cid: Cid) => Uint8Array | undefined,
  honestChunks: number
): { readonly onStream: (stream: Stream) => void; readonly asked: () => number } {
  let asked = 0
  const storage = partly(storageService, {
    has: ({ cids }) => ({ body: Uint8Array.of(cids[0] === cidText(root) ? 1 : 0) }),
    get: ({ cid, offset = 0, length: most }) => {
      asked++
      const walk = dagWalk({ cid: parseCid(cid), offset, length: most, blocks })
      const head = { cid, offset, length: Math.min(most ?? length, length - offset), total_len: length }
      return { head, body: lying(framedBlocks(walk), honestChunks) }
    }
  })
  return { onStream: answering(storage), asked: () => asked }
}

async function* lying(
  chunks: AsyncIterable<Uint8Array>,
  honestChunks: number
): AsyncGenerator<Uint8Array, void> {
  let n = 0
  for await (const view of chunks) {
    const chunk = view.slice()
    if (n++ === honestChunks) chunk[chunk.length - 1]! ^= 1
    yield chunk
  }
}
