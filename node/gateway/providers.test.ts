import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { describe, test } from 'node:test'
import { cidText, decodeFileNode } from '../../protocols/index.ts'
import { gatewayNode, rawCid } from './gateway.fixture.ts'
import { httpMultiaddr, recordOf } from './provider-record.ts'

const NDJSON = { headers: { accept: 'application/x-ndjson' } }

describe('who has a public block', { timeout: 120_000 }, () => {
  test('is this node, with its transports and its gateway, as JSON and line by line', async t => {
    const { ask, put, node, url } = await gatewayNode(t)
    const cid = await put(randomBytes(100_000), 'public')
    const { links } = decodeFileNode((await ask(`/ipfs/${cid}?format=raw`)).body)
    const { peer_id, addresses } = node.status()
    const record = {
      Schema: 'peer',
      ID: peer_id,
      Addrs: [`/ip4/127.0.0.1/tcp/${new URL(url).port}/http`, ...addresses],
      Protocols: ['transport-ipfs-gateway-http', '/oap/1.0.0']
    }

    for (const one of [cid, cidText(links[0]!.cid)]) {
      const json = await ask(`/routing/v1/providers/${one}`)
      const lines = await ask(`/routing/v1/providers/${one}?filter-protocols=unknown`, NDJSON)

      assert.deepEqual(JSON.parse(json.body.toString()), { Providers: [record] })
      assert.match(json.headers['content-type']!, /^application\/json/)
      assert.equal(json.headers['cache-control'], 'public, max-age=300')
      assert.equal(lines.body.toString(), `${JSON.stringify(record)}\n`)
      assert.match(lines.headers['content-type']!, /^application\/x-ndjson/)
    }
  })

  test('is nobody for what is not there', async t => {
    const { ask } = await gatewayNode(t)
    for (const cid of [rawCid('nowhere'), 'bafkqaaa', 'QmRf22bZar3WKmojipms22PkXH1MZGmvsqzQtuSvQE3uhm']) {
      const json = await ask(`/routing/v1/providers/${cid}`)
      const lines = await ask(`/routing/v1/providers/${cid}`, NDJSON)

      assert.deepEqual([json.status, json.body.toString()], [200, '{"Providers":[]}'])
      assert.deepEqual([lines.status, lines.body.length], [200, 0])
      assert.equal(json.headers['cache-control'], 'public, max-age=15')
    }
  })

  test('is told with the addresses that the configuration announces', async t => {
    const { ask, put } = await gatewayNode(t, { 'http.announce': ['/dns/example.org/tcp/443/https'] })
    const cid = await put(Buffer.from('hello'), 'public')

    const { Providers } = JSON.parse((await ask(`/routing/v1/providers/${cid}`)).body.toString())

    assert.equal(Providers[0].Addrs[0], '/dns/example.org/tcp/443/https')
    assert.equal(
      Providers[0].Addrs.some((address: string) => address.endsWith('/http')),
      false
    )
  })

  test('is not told for what is no content id', async t => {
    const { ask } = await gatewayNode(t)
    for (const path of ['', 'x', '..', `b${'a'.repeat(5000)}`])
      assert.equal((await ask(`/routing/v1/providers/${path}`)).status, 422, path.slice(0, 9))
    assert.equal((await ask(`/routing/v1/providers/${rawCid('a')}/x`)).status, 404)
    assert.equal((await ask('/routing/v1/peers/12D3KooW')).status, 404)
  })
})

test('the multiaddr of a listener has the family of its address', () => {
  assert.equal(httpMultiaddr('http://127.0.0.1:4803'), '/ip4/127.0.0.1/tcp/4803/http')
  assert.equal(httpMultiaddr('http://[::1]:4803'), '/ip6/::1/tcp/4803/http')
  assert.equal(httpMultiaddr('http://localhost:4803'), '/dns/localhost/tcp/4803/http')
})

test('a record has few addresses, the gateway first', () => {
  const addresses = Array.from({ length: 99 }, (_, n) => `/ip4/192.0.2.1/tcp/${n}`)
  const { Addrs } = recordOf({ peer: 'p', addresses, gateway: ['/dns/a/tcp/1/https'] }, '/oap/1.0.0')

  assert.deepEqual([Addrs.length, Addrs[0]], [16, '/dns/a/tcp/1/https'])
})
