import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { describe, test } from 'node:test'
import { cidOf, cidText, decodeFileNode, parseCid } from '../../protocols/index.ts'
import { lookups } from '../lookups.fixture.ts'
import { REQUEST_ID, gatewayNode, rawCid, readCar, without } from './gateway.fixture.ts'

const RAW = { accept: 'application/vnd.ipld.raw' }
const CAR_TYPE = 'application/vnd.ipld.car; version=1; order=dfs; dups=y'

describe('a public blob over HTTP', { timeout: 120_000 }, () => {
  test('is given block by block, each with what a cache and a browser need to know', async t => {
    const { ask, put } = await gatewayNode(t)
    const bytes = randomBytes(200_000)
    const cid = await put(bytes, 'public', { content_type: 'text/html' })

    const root = await ask(`/ipfs/${cid}?format=raw`)
    const { links } = decodeFileNode(root.body)
    const leaves = await Promise.all(
      links.map(({ cid: leaf }) => ask(`/ipfs/${cidText(leaf)}`, { headers: RAW }))
    )

    assert.deepEqual(Buffer.concat(leaves.map(({ body }) => body)), bytes)
    const { date: _date, ...headers } = root.headers
    assert.deepEqual(headers, {
      'content-type': 'application/vnd.ipld.raw',
      'content-length': String(root.body.length),
      'content-disposition': `attachment; filename="${cid}.bin"`,
      'content-location': `/ipfs/${cid}?format=raw`,
      etag: `"${cid}.raw"`,
      'cache-control': 'public, max-age=29030400, immutable',
      vary: 'Accept',
      'accept-ranges': 'bytes',
      'x-ipfs-path': `/ipfs/${cid}`,
      'x-ipfs-roots': cid,
      'x-content-type-options': 'nosniff',
      'x-request-id': REQUEST_ID,
      connection: 'close'
    })
  })

  test('is given as a CAR, depth first, whole or in part', async t => {
    const { ask, put } = await gatewayNode(t)
    const bytes = randomBytes(300_000)
    const cid = await put(bytes, 'public')
    const car = async (query = '') => {
      const answer = await ask(`/ipfs/${cid}?format=car${query}`)
      assert.deepEqual([answer.status, answer.headers['content-type']], [200, CAR_TYPE])
      const { root, blocks } = readCar(answer.body)
      assert.equal(root, cid)
      return { blocks, etag: answer.headers.etag }
    }

    const whole = await car()
    const parts = {
      block: await car('&dag-scope=block'),
      entity: await car('&dag-scope=entity'),
      first: await car('&entity-bytes=0:0'),
      middle: await car('&entity-bytes=65536:131071'),
      last: await car('&entity-bytes=-1:*'),
      none: await car('&entity-bytes=5:4')
    }

    const { links } = decodeFileNode(whole.blocks[0]!.bytes)
    const all = [cid, ...links.map(({ cid: leaf }) => cidText(leaf))]
    assert.deepEqual(
      whole.blocks.map(block => block.cid),
      all
    )
    assert.deepEqual(Buffer.concat(whole.blocks.slice(1).map(block => block.bytes)), bytes)
    assert.deepEqual(
      Object.fromEntries(
        Object.entries(parts).map(([name, { blocks }]) => [name, blocks.map(block => block.cid)])
      ),
      {
        block: [cid],
        entity: all,
        first: [cid, all[1]],
        middle: [cid, all[2]],
        last: [cid, all[5]],
        none: [cid]
      }
    )
    assert.equal(new Set([whole, ...Object.values(parts)].map(({ etag }) => etag)).size, 7)
    assert.equal((await ask(`/ipfs/${cid}?format=car&entity-bytes=300000:*`)).status, 400)
  })

  test('repeats a block in a CAR as often as it occurs', async t => {
    const { ask, put } = await gatewayNode(t)
    const cid = await put(Buffer.alloc(4 * 65_536), 'public')

    const { blocks } = readCar((await ask(`/ipfs/${cid}?format=car`)).body)

    assert.equal(blocks.length, 5)
    assert.equal(new Set(blocks.map(block => block.cid)).size, 2)
  })

  test('of one block and of no bytes is given in both forms', async t => {
    const { ask, put } = await gatewayNode(t)
    for (const bytes of [Buffer.from('hello'), Buffer.alloc(0)]) {
      const cid = await put(bytes, 'public')
      assert.deepEqual((await ask(`/ipfs/${cid}?format=raw`)).body, bytes)
      for (const query of ['', '&dag-scope=block', '&entity-bytes=0:*'])
        assert.deepEqual(readCar((await ask(`/ipfs/${cid}?format=car${query}`)).body), {
          root: cid,
          blocks: [{ cid, bytes }]
        })
    }
  })

  test('is given by range', async t => {
    const { ask, put } = await gatewayNode(t)
    const bytes = randomBytes(50_000)
    const cid = await put(bytes, 'public')
    const ranged = (range: string, more = {}) =>
      ask(`/ipfs/${cid}?format=raw`, { headers: { range, ...more } })

    const some = await ranged('bytes=10-19')
    const end = await ranged('bytes=-10')

    assert.deepEqual(
      [some.status, some.headers['content-range'], some.headers['content-length'], some.body],
      [206, 'bytes 10-19/50000', '10', bytes.subarray(10, 20)]
    )
    assert.deepEqual([end.status, end.body], [206, bytes.subarray(-10)])
    const beyond = await ranged('bytes=50000-')
    assert.deepEqual([beyond.status, beyond.headers['content-range']], [416, 'bytes */50000'])
    // Many ranges cost no more than none, and ranges of another version are not given.
    for (const answer of [
      await ranged(`bytes=${'0-1,'.repeat(1000)}0-1`),
      await ranged('bytes=0-1', { 'if-range': '"other"' }),
      await ranged('bytes=5-1')
    ])
      assert.deepEqual([answer.status, answer.body.length], [200, bytes.length])
    assert.equal((await ranged('bytes=0-1', { 'if-range': `"${cid}.raw"` })).status, 206)
    const car = await ask(`/ipfs/${cid}?format=car`, { headers: { range: 'bytes=0-1' } })
    assert.deepEqual([car.status, car.headers['accept-ranges']], [200, 'none'])
  })

  test('is not sent again to who has it', async t => {
    const { ask, put } = await gatewayNode(t)
    const cid = await put(randomBytes(100_000), 'public')
    for (const path of [`/ipfs/${cid}?format=raw`, `/ipfs/${cid}?format=car`]) {
      const { etag } = (await ask(path)).headers
      const again = await ask(path, { headers: { 'if-none-match': `"other", ${etag}` } })

      assert.deepEqual([again.status, again.body.length, again.headers.etag], [304, 0, etag])
      assert.match(again.headers['cache-control']!, /immutable/)
      assert.equal((await ask(path, { headers: { 'if-none-match': '"other"' } })).status, 200)
    }
  })

  test('has the same headers for HEAD, and no body', async t => {
    const { ask, put } = await gatewayNode(t)
    const cid = await put(randomBytes(100_000), 'public')
    for (const path of [`/ipfs/${cid}?format=raw`, `/ipfs/${cid}?format=car`, '/ipfs/bafkqaaa?format=car']) {
      const [get, head] = [await ask(path), await ask(path, { method: 'HEAD' })]

      const { 'transfer-encoding': _chunked, date: _date, ...headers } = get.headers
      const { 'transfer-encoding': _none, date: _then, ...ofHead } = head.headers
      assert.deepEqual([head.status, ofHead, head.body.length], [get.status, headers, 0])
      const ranged = await ask(path, { method: 'HEAD', headers: { range: 'bytes=0-1' } })
      assert.equal(ranged.status, 200)
    }
    assert.equal((await ask(`/ipfs/${rawCid('nowhere')}?format=raw`, { method: 'HEAD' })).status, 404)
  })

  test('is gone once it is not public any more', async t => {
    const { ask, put, remove } = await gatewayNode(t)
    const [kept, removed] = [randomBytes(100_000), randomBytes(100_000)]
    const cids = [await put(kept, 'public'), await put(removed, 'public')] as const
    const leaf = cidText(decodeFileNode((await ask(`/ipfs/${cids[0]}?format=raw`)).body).links[0]!.cid)

    await put(kept, 'private')
    await remove(cids[1])

    for (const cid of [...cids, leaf]) assert.equal((await ask(`/ipfs/${cid}?format=raw`)).status, 404)
  })

  test('is asked for by its own codec where its form matters', async t => {
    const { ask, put } = await gatewayNode(t)
    const [node, leaf] = [
      await put(randomBytes(100_000), 'public'),
      await put(Buffer.from('a leaf'), 'public')
    ]
    const other = (text: string): string => {
      const { codec, digest } = parseCid(text)
      return cidText(cidOf(codec === 'raw' ? 'dag-pb' : 'raw', digest))
    }

    assert.equal((await ask(`/ipfs/${other(leaf)}?format=car`)).status, 404)
    assert.equal(readCar((await ask(`/ipfs/${other(node)}?format=car`)).body).blocks.length, 1)
  })
})

describe('what is not public', { timeout: 120_000 }, () => {
  test('is answered byte for byte as what is not there, however it is asked for', async t => {
    const { ask, put } = await gatewayNode(t)
    const hidden = [randomBytes(1000), randomBytes(1000)] as const
    const cids = [await put(hidden[0], 'private'), await put(hidden[1], 'federated')]
    const absent = rawCid('nobody has this')
    const etag = (cid: string) => ({ 'if-none-match': `"${cid}.raw", *` })
    const ways: readonly (readonly [path: (cid: string) => string, how: (cid: string) => object])[] = [
      [cid => `/ipfs/${cid}?format=raw`, () => ({})],
      [cid => `/ipfs/${cid}?format=car&dag-scope=block`, () => ({})],
      [cid => `/ipfs/${cid}?format=car&entity-bytes=9999999:*`, () => ({})],
      [cid => `/ipfs/${cid}`, cid => ({ headers: { ...RAW, ...etag(cid) } })],
      [cid => `/ipfs/${cid}`, () => ({ headers: { ...RAW, range: 'bytes=99999-' } })],
      [cid => `/ipfs/${cid}?format=raw`, () => ({ method: 'HEAD' })],
      [cid => `/ipfs/${cid}?format=raw`, () => ({ headers: { 'cache-control': 'only-if-cached' } })],
      [cid => `/ipfs/${cid}/a/b?format=car`, () => ({})],
      [cid => `/routing/v1/providers/${cid}`, () => ({})],
      [cid => `/routing/v1/providers/${cid}`, () => ({ headers: { accept: 'application/x-ndjson' } })]
    ]
    for (const [path, how] of ways) {
      const expected = without(await ask(path(absent), how(absent)))
      assert.ok([404, 412, 200].includes(expected.status), `${expected.status}`)
      for (const cid of cids) assert.deepEqual(without(await ask(path(cid), how(cid))), expected)
    }
  })
})

test('as many rows are looked up over HTTP for what is hidden as for what is absent', async t => {
  const { ask, put } = await gatewayNode(t)
  const hidden = [await put(randomBytes(1000), 'private'), await put(randomBytes(200_000), 'federated')]
  const looked = lookups(t)

  for (const path of [
    (cid: string) => `/ipfs/${cid}?format=raw`,
    (cid: string) => `/ipfs/${cid}?format=car`,
    (cid: string) => `/routing/v1/providers/${cid}`
  ]) {
    const absent = await looked(() => ask(path(rawCid('nobody has this'))))
    assert.ok(
      absent.some(count => count > 0),
      'something is looked up'
    )
    for (const cid of hidden) assert.deepEqual(await looked(() => ask(path(cid))), absent)
  }
})

describe('the probe of a trustless gateway', { timeout: 120_000 }, () => {
  test('is an empty block, and a CAR without blocks', async t => {
    const { ask } = await gatewayNode(t)

    const raw = await ask('/ipfs/bafkqaaa?format=raw')
    const car = await ask('/ipfs/bafkqaaa', { headers: { accept: 'application/vnd.ipld.car' } })

    assert.deepEqual([raw.status, raw.body.length], [200, 0])
    assert.deepEqual(
      [car.status, car.body.toString('hex')],
      [200, '19a265726f6f747381d82a4500015500006776657273696f6e01']
    )
    assert.deepEqual(readCar(car.body).blocks, [])
  })
})
