import type { VerifiedBlock } from '../../protocols/index.ts'
import { download } from './download.ts'
import type { Download } from './download.ts'
import type { BlobPlace } from './place.ts'

/** Writes a whole blob as a CARv1, depth first, each block proved before and as often as it occurs; yields its bytes. */
export async function downloadCar(
  place: BlobPlace,
  { cid, write, onLength }: Pick<Download, 'cid' | 'write' | 'onLength'>
): Promise<number> {
  const { carBlockHead, carHeader } = await import('../../protocols/index.ts')
  const header = carHeader(cid)
  let isBegun = false
  // Nothing is written before the node has answered and the root is proved.
  const piecesOf = ({ cid: id, block }: VerifiedBlock): readonly Uint8Array[] => {
    const head = carBlockHead(
      id,
      block.reduce((sum, { length }) => sum + length, 0)
    )
    if (isBegun) return [head, ...block]
    isBegun = true
    return [header, head, ...block]
  }
  return await download(place, { cid, offset: 0, write, piecesOf, ...(onLength && { onLength }) })
}
