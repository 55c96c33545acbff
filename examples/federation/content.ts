import { createHash, randomBytes } from 'node:crypto'
import { dagVerifier, parseCid } from 'omnigate/protocols'
import { brief, eventually, msSince, must, tell } from './told.ts'
import type { Hub } from './hub.ts'

const BYTES = 1_000_000

/** A public blob of one hub comes to another that has no link with it: the DHT names who has it. */
export async function content(keeping: Hub, asking: Hub): Promise<void> {
  const bytes = randomBytes(BYTES)
  const { cid } = await keeping.operator.storage.put(
    { class: 'public' },
    { tenant: await keeping.tenant(), body: piecesOf(bytes) }
  )
  await eventually('the announcement of the blob', async () =>
    (await keeping.operator.dht.dht_stats({})).announced > 0 ? true : undefined
  )
  const [named] = (await asking.operator.storage.providers({ cid, max: 1 })).providers
  if (named?.via !== 'dht')
    throw new Error(`the DHT does not name who has the blob, but ${named?.via ?? 'nobody'}`)
  const since = performance.now()
  const verifier = dagVerifier({ cid: parseCid(cid), offset: 0, sha256: () => createHash('sha256') })
  const pieces: Uint8Array[] = []
  for await (const chunk of (await asking.operator.storage.get({ cid }, { tenant: await asking.tenant() }))
    .body)
    for (const block of verifier.push(chunk)) pieces.push(...block.plain)
  verifier.end()
  must(Buffer.concat(pieces).equals(bytes), 'what came is what was stored')
  tell(
    'content',
    `${BYTES} bytes of ${keeping.name} came to ${asking.name}, which has no link with it, in ${msSince(since)}: the DHT named ${brief(named.peer)}, ${brief(cid)} is the hash of what came`
  )
}

const PIECE_BYTES = 65_536

function* piecesOf(bytes: Uint8Array): Generator<Uint8Array> {
  for (let from = 0; from < bytes.length; from += PIECE_BYTES) yield bytes.subarray(from, from + PIECE_BYTES)
}
