import { STORAGE_LIMITS, carBlockHead, carHeader, dagWalk, decodeFileNode } from '../../protocols/index.ts'
import type { Cid, ReadAhead } from '../../protocols/index.ts'
import type { BlockLease } from '../stores/blobs/index.ts'
import { bytesWithin } from './entity-bytes.ts'
import { NOT_FOUND, Refusal } from './refusal.ts'
import type { Wanted } from './wanted.ts'

type WantedCar = Extract<Wanted, { form: 'car' }>

/** Which blocks a CAR has: the root's alone, or those of the bytes. Of files, an entity is all. */
export type CarPart = 'root' | { readonly offset: number; readonly length?: number }

/**
 * What of the DAG below `root` is meant.
 * @throws Refusal 404 where it is no root of a blob, 400 for bytes outside
 */
export function carPart(cid: Cid, root: Uint8Array, { scope, bytes }: WantedCar): CarPart {
  const total = lengthOf(cid, root)
  if (scope === 'block') return 'root'
  if (bytes === undefined) return { offset: 0 }
  const meant = bytesWithin(bytes, total)
  if (meant === 'outside') throw new Refusal(400, 'bad_range', `entity-bytes: the blob has ${total} bytes`)
  return meant === 'none' ? 'root' : meant
}

/** A CARv1 of that, depth first; each piece is to be written before the next is asked for. */
export async function* carPieces(
  cid: Cid,
  root: Uint8Array,
  part: CarPart,
  lease: BlockLease,
  { signal, room }: { readonly signal: AbortSignal; readonly room: ReadAhead }
): AsyncGenerator<Uint8Array, void> {
  yield carHeader(cid)
  if (part === 'root') {
    yield carBlockHead(cid, root.length)
    yield root
    return
  }
  for await (const block of dagWalk({ cid, ...part, signal, room, blocks: id => lease.get(id) })) {
    yield carBlockHead(block.cid, block.bytes.length)
    yield block.bytes
  }
}

/** A block may be asked for under either codec; as the other it is nothing that is here. */
function lengthOf(cid: Cid, block: Uint8Array): number {
  if (cid.codec === 'raw') {
    if (block.length > STORAGE_LIMITS.leafBytes) throw NOT_FOUND()
    return block.length
  }
  try {
    return decodeFileNode(block).length
  } catch {
    throw NOT_FOUND()
  }
}
