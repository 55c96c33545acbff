import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { setImmediate as turn } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { describe, test } from 'node:test'
import type { TestContext } from 'node:test'
import { gatewayNode, rawCid, readCar } from './gateway.fixture.ts'

const RAW_TYPE = 'application/vnd.ipld.raw'
const MIB = 1_048_576
const SLOW_READERS = 40

describe('the gateway', { timeout: 240_000 }, () => {
  test('takes no path for a file, and nothing for a content id that is none', async t => {
    const { ask, put } = await gatewayNode(t)
    const cid = await put(Buffer.from('hello'), 'public')
    const paths: readonly (readonly [path: string, status: number])[] = [
      ['/ipfs/', 400],
      ['/ipfs/..', 400],
      ['/ipfs/../../etc/passwd', 400],
      ['/ipfs/%2e%2e%2f%2e%2e%2fetc%2fpasswd', 400],
      ['/ipfs/..%00', 400],
      ['/ipfs/%zz', 400],
      [`/ipfs//${cid}`, 400],
      [`/ipfs/${cid}/`, 404],
      [`/ipfs/${cid}/../${cid}`, 404],
      [`/ipfs/${cid}%2f..%2f..`, 404],
      [`/ipfs/${cid}/a?format=car`, 404],
      [`/ipfs/${cid}%00`, 400],
      [`/ipfs/${cid.toUpperCase()}`, 400],
      [`/ipfs/z${'Q'.repeat(48)}`, 400],
      // A content id of another version, codec or hash, and identity ones, are known and not here.
      ['/ipfs/QmRf22bZar3WKmojipms22PkXH1MZGmvsqzQtuSvQE3uhm', 400],
      ['/ipfs/bafkqabtimvwgy3yk', 400],
      [
        '/ipfs/bafyrgqhai26anf3i7pips7q22coa4sz2fr4gk4q4sqdtymvvjyginfzaqewveaeqdh524nsktaq43j65v22xxrybrtertmcfxufdam3da3hbk',
        400
      ],
      [`/ipfs/b${'a'.repeat(7000)}`, 400],
      ['/ipfs', 404],
      ['/ipns/example.org', 404]
    ]
    for (const [path, status] of paths) {
      const answer = await ask(path, { headers: { accept: RAW_TYPE } })
      assert.equal(answer.status, status, `${path.slice(0, 60)}: ${answer.body.toString()}`)
      assert.equal(answer.headers['x-content-type-options'], 'nosniff')
      assert.ok(answer.body.length < 400)
    }
    assert.equal((await ask(`/ipfs/b${'a'.repeat(20_000)}?format=raw`)).status, 431)
  })

  test('answers GET and HEAD alone, to this machine alone', async t => {
    const { ask, put } = await gatewayNode(t)
    const cid = await put(Buffer.from('hello'), 'public')
    for (const path of [`/ipfs/${cid}?format=raw`, `/routing/v1/providers/${cid}`]) {
      for (const method of ['POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS', 'TRACE', 'PROPFIND']) {
        const { status, headers } = await ask(path, { method })
        assert.deepEqual([status, headers.allow], [405, 'GET, HEAD'], method)
      }
      assert.equal((await ask(path, { headers: { host: 'evil.example' } })).status, 421)
    }
  })

  test('says what it does not speak', async t => {
    const { ask, put } = await gatewayNode(t)
    const cid = await put(Buffer.from('hello'), 'public')

    assert.equal((await ask(`/ipfs/${cid}`)).status, 400)
    assert.equal((await ask(`/ipfs/${cid}`, { headers: { accept: '*/*' } })).status, 406)
    assert.equal((await ask(`/ipfs/${cid}?format=tar`)).status, 406)
    assert.equal((await ask(`/ipfs/${cid}?format=raw&format=car`)).status, 400)
    assert.equal((await ask(`/ipfs/${cid}?format=car&entity-bytes=${'9'.repeat(4000)}:*`)).status, 400)
    assert.equal((await ask(`/ipfs/${cid}?${'format=raw&'.repeat(500)}`)).status, 400)
    assert.equal((await ask(`/ipfs/${cid}`, { headers: { accept: ','.repeat(7000) } })).status, 406)
  })

  test('is not there where the configuration has none', async t => {
    const { ask, put } = await gatewayNode(t, { 'http.gateway': false })
    const cid = await put(Buffer.from('hello'), 'public')

    assert.equal((await ask(`/ipfs/${cid}?format=raw`)).status, 404)
    assert.equal((await ask('/ipfs/bafkqaaa?format=raw')).status, 404)
    assert.equal((await ask(`/routing/v1/providers/${cid}`)).status, 404)
    assert.equal((await ask('/healthz')).status, 200)
  })

  test('is charged as strangers are', async t => {
    const { ask, put } = await gatewayNode(t, { 'quotas.prefixCallsPerSecond': 5 })
    const cid = await put(Buffer.from('hello'), 'public')

    const answers = await Promise.all(Array.from({ length: 12 }, () => ask(`/ipfs/${cid}?format=raw`)))

    const refused = answers.filter(({ status }) => status === 429)
    assert.ok(refused.length >= 1 && refused.length <= 7, `${refused.length} were refused`)
    assert.ok(refused.every(({ headers }) => Number(headers['retry-after']) >= 1))
    assert.equal((await ask('/healthz')).status, 200)
  })

  test('answers pipelined requests in their order', async t => {
    const { port, put } = await gatewayNode(t)
    const bodies = Array.from({ length: 5 }, () => randomBytes(1000))
    const cids: string[] = []
    for (const bytes of bodies) cids.push(await put(bytes, 'public'))
    const socket = connected(t, port)

    socket.write(
      cids.map(cid => head('GET', `/ipfs/${cid}?format=raw`)).join('') + head('GET', '/healthz', 'close')
    )
    const answers = await allOf(socket)

    let at = 0
    for (const bytes of bodies) {
      const found = answers.indexOf(bytes, at)
      assert.ok(found > at)
      at = found
    }
    assert.ok(answers.indexOf('{"live":true}') > at)
  })

  test('reads blocks for one connection one after the other, however many it asks for at once', async t => {
    const { node, port, put, ask } = await gatewayNode(t)
    const cid = await put(randomBytes(4 * MIB), 'public', { profile: 'unixfs-v1-2025' })
    const socket = connected(t, port)
    socket.pause()

    socket.write(head('GET', `/ipfs/${cid}?format=car`).repeat(200))
    await bodiesAre(ask, 1)
    const before = arrayBuffers()
    for (let n = 0; n < 50; n++) await turn()

    assert.equal((await gauge(ask, 'gateway_bodies')).toString(), '1')
    assert.ok(arrayBuffers() - before < 32 * MIB)
    socket.destroy()
    await bodiesAre(ask, 0)
    assert.equal(node.status().ready, true)
  })

  test('serves a fast reader beside many slow ones, and holds little for these', async t => {
    const { port, put, ask } = await gatewayNode(t, { 'quotas.strangerBytesPerSecond': 2 ** 34 })
    const bytes = randomBytes(32 * MIB)
    const cid = await put(bytes, 'public')
    const before = arrayBuffers()
    const slow = Array.from({ length: SLOW_READERS }, () => connected(t, port))
    for (const socket of slow) {
      socket.pause()
      socket.write(head('GET', `/ipfs/${cid}?format=car`))
    }
    await bodiesAre(ask, SLOW_READERS)
    for (let sent = -1; sent !== (sent = await gauge(ask, 'gateway_bytes_total'));) await turn()
    const held = arrayBuffers() - before
    const ahead = await gauge(ask, 'storage_read_ahead_bytes')
    t.diagnostic(
      `${Math.round(held / 1024 / SLOW_READERS)} KiB held for each of ${SLOW_READERS} slow readers`
    )

    const { body } = await ask(`/ipfs/${cid}?format=car`)

    assert.deepEqual(
      Buffer.concat(
        readCar(body)
          .blocks.slice(1)
          .map(block => block.bytes)
      ),
      bytes
    )
    assert.ok(held < SLOW_READERS * MIB)
    assert.ok(ahead > 0 && ahead <= 4 * MIB, `${ahead} bytes are read ahead`)
    for (const socket of slow) socket.destroy()
    await bodiesAre(ask, 0)
    while ((await gauge(ask, 'storage_read_ahead_bytes')) > 0) await turn()
  })

  test('counts answers by status, and bytes', async t => {
    const { ask, put } = await gatewayNode(t)
    const cid = await put(randomBytes(1000), 'public')
    await ask(`/ipfs/${cid}?format=raw`)
    await ask(`/ipfs/${rawCid('nowhere')}?format=raw`)
    await ask(`/ipfs/${cid}`, { method: 'PUT' })

    for (const status of [200, 404, 405])
      assert.equal(await gauge(ask, `gateway_answers_total{status="${status}"}`), 1)
    assert.equal(await gauge(ask, 'gateway_bytes_total'), 1000)
  })
})

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

/** Bytes of buffers that something holds. */
function arrayBuffers(): number {
  collectGarbage()
  // The first may leave what it found to a thread of its own, which counts as held until then; a second waits for that.
  collectGarbage()
  return process.memoryUsage().arrayBuffers
}

type AskFor = Awaited<ReturnType<typeof gatewayNode>>['ask']

async function gauge(ask: AskFor, name: string): Promise<number> {
  const text = (await ask('/metrics')).body.toString()
  const line = text.split('\n').find(one => one.startsWith(`${name} `))
  return Number(line?.slice(name.length + 1))
}

async function bodiesAre(ask: AskFor, count: number): Promise<void> {
  while ((await gauge(ask, 'gateway_bodies')) !== count) await turn()
}

const head = (method: string, path: string, connection = 'keep-alive'): string =>
  `${method} ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: ${connection}\r\n\r\n`

function connected(t: TestContext, port: number): Socket {
  const socket = connect(port, '127.0.0.1').on('error', () => undefined)
  t.after(() => socket.destroy())
  return socket
}

async function allOf(socket: Socket): Promise<Buffer> {
  const pieces: Buffer[] = []
  socket.on('data', (piece: Buffer) => pieces.push(piece))
  await once(socket, 'close')
  return Buffer.concat(pieces)
}
