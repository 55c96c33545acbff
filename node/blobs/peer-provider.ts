import type { BlobProvider, ByteRanges, LinkedHolder } from '../../dht/index.ts'
import { cidText, client, storageService } from '../../protocols/index.ts'
import type { Caller, StreamedResult } from '../../protocols/index.ts'

/** A peer with which storage can be spoken: who it is, and a way to call it. */
export interface StoragePeer {
  /** A peer id. */
  readonly peer: string
  /** The hub id of a linked hub. */
  readonly hub?: string
  readonly caller: Caller
}

const NOTHING = new Uint8Array()

type Head = StreamedResult<{ readonly total_len: number }>

/** Asks a peer for blobs in the form that can be proved. */
export const providerOf = ({ peer, caller }: StoragePeer): Pick<BlobProvider, 'provider' | 'get'> => ({
  provider: peer,
  async get({ cid, offset, length }, { signal }) {
    const request = { cid: cidText(cid), offset, ...(length !== undefined && { length }) }
    const { head, body }: Head = await client(storageService, caller).get(request, { signal })
    return { totalLength: head.total_len, body }
  }
})

/** The same, and whether it has a blob. */
export const holderOf = (peer: StoragePeer): LinkedHolder => ({
  ...providerOf(peer),
  async holds(cid, { signal }) {
    const asked = { cids: [cidText(cid)] }
    const { partial = [], body = NOTHING } = await client(storageService, peer.caller).has(asked, { signal })
    if (((body[0] ?? 0) & 1) === 1) return 'all'
    return rangesOf(partial.find(({ n }) => n === 0)?.ranges)
  }
})

/** Ranges that are not ascending and apart say nothing. */
function rangesOf(
  ranges: readonly { readonly offset: number; readonly length: number }[] = []
): ByteRanges | undefined {
  let end = -1
  const spans = ranges.map(({ offset, length }) => ({ from: offset, to: offset + length }))
  for (const { from, to } of spans) {
    if (from <= end) return undefined
    end = to
  }
  return spans.length === 0 ? undefined : spans
}
