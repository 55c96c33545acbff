import { OapError, blockChunks, dagWalk, framedBlocks } from '../../protocols/index.ts'
import type { Call, Cid, ReadAhead, StreamedAnswer, WalkedBlock } from '../../protocols/index.ts'
import { BlobError } from '../stores/blobs/index.ts'
import type { ReadingLease } from '../stores/blobs/index.ts'
import { storageFault } from './storage-fault.ts'

/** What an answer to `get` stands on. */
export interface BodyParts {
  /** Room for leaves that are read before they are due. */
  readonly room: ReadAhead
  /** Told of a block that was not sent, because it does not have its hash any more. */
  readonly onRotten: (error: BlobError) => void
}

/** What of a blob is asked for. */
export interface AskedRange {
  readonly cid: Cid
  readonly offset: number
  readonly length: number
  readonly form: 'dag' | 'raw'
}

/** The bytes of the range that lie in the blob. Throws `bad_range` when there are none. */
export function rangeWithin(
  total: number,
  offset = 0,
  length = Infinity
): Pick<AskedRange, 'offset' | 'length'> {
  if (offset >= total && offset + total > 0)
    throw new OapError('bad_request', `offset: the blob has ${total} bytes`, { code: 'bad_range' })
  return { offset, length: Math.min(length, total - offset) }
}

/** The body of an answer to `get`. The lease is released when it ends, and at the latest with the call. */
export function blobBody(
  lease: ReadingLease,
  range: AskedRange,
  { signal }: Call,
  { room, onRotten }: BodyParts
): Pick<StreamedAnswer<unknown>, 'body' | 'chunks'> {
  const release = (): void => lease.release()
  if (signal.aborted) release()
  signal.addEventListener('abort', release, { once: true })
  const ended = (): void => {
    signal.removeEventListener('abort', release)
    release()
  }
  const sent = <T>(pieces: AsyncGenerator<T, void>): AsyncGenerator<T, void> =>
    releasing(pieces, onRotten, ended)
  const walk = (): AsyncGenerator<WalkedBlock, void> => walked(lease, range, signal, room)
  if (range.form === 'raw') return { body: sent(plainBytes(walk(), range)) }
  // Neither begins before it is read, and one is.
  return {
    body: sent(framedBlocks(walk())),
    chunks: sent(blockChunks(walk()))
  }
}

async function* releasing<T>(
  pieces: AsyncGenerator<T, void>,
  onRotten: (error: BlobError) => void,
  ended: () => void
): AsyncGenerator<T, void> {
  try {
    yield* pieces
  } catch (error) {
    if (error instanceof BlobError && error.code === 'rotten') onRotten(error)
    throw storageFault(error)
  } finally {
    ended()
  }
}

async function* plainBytes(
  blocks: AsyncGenerator<WalkedBlock, void>,
  range: AskedRange
): AsyncGenerator<Uint8Array, void> {
  const to = range.offset + range.length
  for await (const { cid, bytes, offset } of blocks) {
    if (cid.codec !== 'raw') continue
    const part = bytes.subarray(Math.max(0, range.offset - offset), Math.max(0, to - offset))
    if (part.length > 0) yield part
  }
}

function walked(
  lease: ReadingLease,
  { cid, offset, length }: AskedRange,
  signal: AbortSignal,
  room: ReadAhead
): AsyncGenerator<WalkedBlock, void> {
  // A range of nothing is the empty blob.
  const range = length === 0 ? { offset } : { offset, length }
  return dagWalk({ cid, ...range, signal, room, blocks: id => lease.get(id) })
}
