// Fetches blobs with Helia and prints one line of JSON for each: node fetch.mjs router|gateway URL CID...
// `router` lets Helia find the gateway by delegated routing at URL alone, `gateway` lets it try URL itself, too.
import { createHash } from 'node:crypto'
import { withHTTP } from '@helia/http'
import { unixfs } from '@helia/unixfs'
import { createHeliaLight } from 'helia'
import { CID } from 'multiformats/cid'

const FETCH_MS = 30_000
// A signal that times out keeps no process alive.
const alive = setInterval(() => undefined, 1000)
const [how, url, ...cids] = process.argv.slice(2)

const helia = await withHTTP(createHeliaLight(), {
  delegatedRouters: [url],
  recursiveGateways: how === 'gateway' ? [url] : [],
  allowInsecure: true,
  allowLocal: true
}).start()
const files = unixfs(helia)

for (const cid of cids) console.log(JSON.stringify({ cid, ...(await fetched(CID.parse(cid))) }))
await helia.stop()
clearInterval(alive)
process.exit()

async function fetched(cid) {
  const sha256 = createHash('sha256')
  let length = 0
  try {
    for await (const piece of files.cat(cid, { signal: AbortSignal.timeout(FETCH_MS) })) {
      sha256.update(piece)
      length += piece.length
    }
    return { length, sha256: sha256.digest('hex') }
  } catch (error) {
    return { error: told(error) }
  }
}

/** All that an error and those below it say. */
function told(error) {
  return [error.message, ...(error.errors ?? []).map(told)].join('; ')
}
