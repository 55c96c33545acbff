import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { FileDag } from '../../dht/index.ts'
import { cidText } from '../../protocols/index.ts'
import { barePeer } from '../links/bare-peer.fixture.ts'
import { allow, linked, startHub, until } from '../links/hubs.fixture.ts'
import type { TestHub } from '../links/hubs.fixture.ts'
import { lyingStorage } from './lying-hub.fixture.ts'

const OPTIONS = { timeout: 120_000 }
const TENANT = 'aaaaaaaa-0000-4000-8000-000000000001'
const SHARED = { verbs: ['storage:get', 'storage:has'], classes: ['public', 'federated'] }

test(
  'a linked hub that lies is found out, replaced at the same leaf, and not asked again',
  OPTIONS,
  async t => {
    const [first, second] = [blobOf(3_000_000), blobOf(500_000)]
    const honest = await startHub(t)
    const hub = await startHub(t)
    const { onStream, asked } = lyingStorage(first.cid, first.bytes.length, first.block, 20)
    const liar = await barePeer(t, { onStream })
    await hub.operator.federation.peer_add({ hub: liar.hub, addresses: [], body: Buffer.from('{}') })
    assert.equal((await (await liar.dial(hub.address)).shake(hub.id)).kind, 'linked')
    const cid = cidText(first.cid)

    await assert.rejects(got(hub, cid), { code: 'upstream' })
    const alone = await hub.operator.dht.fetch_report({ cid })
    await allow(hub, honest, SHARED)
    await linked(hub, honest)
    await honest.operator.storage.put({ class: 'public' }, { tenant: TENANT, body: [first.bytes] })
    const bytes = await got(hub, cid)
    const together = await until(async () => {
      const report = await hub.operator.dht.fetch_report({ cid })
      return report.code === undefined && report
    }, 'the second fetch ends')

    assert.deepEqual(
      alone.providers.map(({ ended }) => ended),
      ['bad_block']
    )
    const { reached } = alone.providers[0]!
    assert.ok(reached! > 0 && reached! % 65_536 === 0, `reached ${reached}`)
    assert.equal(alone.fetched, reached)
    assert.ok(bytes.equals(first.bytes))
    assert.equal(together.missing, first.bytes.length - reached!)
    assert.deepEqual(new Set(together.providers.map(({ ended }) => ended)), new Set(['barred', 'done']))
    assert.equal(asked(), 1)
    await assert.rejects(got(hub, cidText(second.cid)), { code: 'not_found' })
  }
)

function blobOf(length: number) {
  const bytes = randomBytes(length)
  const dag = new FileDag()
  const first = dag.push(bytes)
  const { blocks: last, root } = dag.end()
  const blocks = new Map([...first, ...last].map(({ cid, bytes: block }) => [cidText(cid), block]))
  return { bytes, cid: root.cid, block: (id: typeof root.cid) => blocks.get(cidText(id)) }
}

async function got({ operator }: TestHub, cid: string): Promise<Buffer> {
  const { body } = await operator.storage.get({ cid, form: 'raw' }, { tenant: TENANT })
  const pieces: Uint8Array[] = []
  for await (const piece of body) pieces.push(piece)
  return Buffer.concat(pieces)
}
