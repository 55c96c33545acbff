import { etagOf } from './etag.ts'
import { mediaTypeOf, queryOf } from './wanted.ts'
import type { Wanted } from './wanted.ts'

/** What stands over an answer that may be kept for ever: 336 days, as other gateways say. */
const FOR_EVER = 'public, max-age=29030400, immutable'

/** The headers of an answer with bytes, or of one that says they are the same. `cid` must be the text of a content id. */
export function blobHeaders(cid: string, wanted: Wanted): Record<string, string> {
  const { form } = wanted
  return {
    'content-type': mediaTypeOf(wanted),
    'content-disposition': `attachment; filename="${cid}.${form === 'raw' ? 'bin' : 'car'}"`,
    'content-location': `/ipfs/${cid}?${queryOf(wanted)}`,
    etag: etagOf(cid, wanted),
    'cache-control': FOR_EVER,
    vary: 'Accept',
    'accept-ranges': form === 'raw' ? 'bytes' : 'none',
    'x-ipfs-path': `/ipfs/${cid}`,
    'x-ipfs-roots': cid
  }
}
