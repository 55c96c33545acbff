import assert from 'node:assert/strict'
import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { FileDag } from '../../dht/index.ts'
import { signingKey } from '../../federation/index.ts'
import { cidText, dagWalk, framedBlocks, parseCid, storageService } from '../../protocols/index.ts'
import { partly } from '../links/answering.fixture.ts'
import { barePeer } from '../links/bare-peer.fixture.ts'
import { entriesOf, startHub } from '../links/hubs.fixture.ts'
import { messageKeys } from '../links/message-keys.fixture.ts'

const VECTORS = JSON.parse(
  readFileSync(new URL('../../specs/vectors/federation-snapshots.json', import.meta.url), 'utf8')
) as {
  readonly hub_seed: string
  readonly packages: readonly { readonly package: string; readonly refusal: string | null }[]
}
/** What is found before anything is said of the time. */
const AT_ANY_TIME = [
  'malformed',
  'path',
  'duplicate',
  'count',
  'root',
  'missing',
  'extra',
  'changed',
  'manifest',
  'signature'
]

/** A package as a blob, and how it is given. */
function blobOf(text: string) {
  const bytes = Buffer.from(text)
  const dag = new FileDag()
  const first = dag.push(bytes)
  const { blocks: last, root } = dag.end()
  const blocks = new Map([...first, ...last].map(({ cid, bytes: block }) => [cidText(cid), block]))
  const walk = (cid: string) =>
    dagWalk({ cid: parseCid(cid), offset: 0, blocks: id => blocks.get(cidText(id)) })
  return { cid: cidText(root.cid), length: bytes.length, walk }
}

test(
  'what a linked hub gives as its snapshot and is none is refused by name, counted and recorded, and nothing of it is written',
  { timeout: 300_000 },
  async t => {
    const node = await startHub(t, { flags: { 'http.enabled': true, 'http.listen': '127.0.0.1:0' } })
    const wrong = VECTORS.packages.filter(({ refusal }) => AT_ANY_TIME.includes(refusal ?? ''))
    let at = 0
    const blob = () => blobOf(wrong[at]!.package)
    const { hub, hubKey, answers } = messageKeys(signingKey(Buffer.from(VECTORS.hub_seed, 'hex')))
    const storage = partly(storageService, {
      get: ({ cid }) => {
        const { length, walk } = blob()
        return { head: { cid, offset: 0, length, total_len: length }, body: framedBlocks(walk(cid)) }
      }
    })
    const snapshot = () => {
      const { cid, length } = blob()
      return { seq: 7 + at, sha256: 'ab'.repeat(32), cid, bytes: length }
    }
    const evil = await barePeer(t, { hubKey, onStream: answers({ snapshot }, storage) })
    await node.operator.federation.peer_add({ hub, addresses: [], body: Buffer.from('{}') })
    assert.equal((await (await evil.dial(node.address)).shake(node.id)).kind, 'linked')

    for (const { refusal } of wrong) {
      const refused = { code: 'snapshot_refused', reason: refusal }
      await assert.rejects(node.operator.snapshots.snapshot_fetch({ hub }), refused, `${at}`)
      at++
    }

    assert.ok(new Set(wrong.map(({ refusal }) => refusal)).size >= 5, 'hardly anything was tried')
    const recorded = (await entriesOf(node, 'snapshot_refused')).map(entry => entry['code'])
    assert.deepEqual(
      recorded,
      wrong.map(({ refusal }) => refusal)
    )
    const metrics = await (await fetch(`${String(node.node.status().http)}/metrics`)).text()
    assert.match(metrics, new RegExp(`^snapshots_refused_total ${wrong.length}$`, 'm'))
    assert.deepEqual((await node.operator.snapshots.snapshot_list({ hub })).snapshots, [])
    const kept = join(node.data, 'snapshots', hub)
    assert.deepEqual(existsSync(kept) ? readdirSync(kept) : [], [])
  }
)
