import assert from 'node:assert/strict'
import { once } from 'node:events'
import { request } from 'node:http'
import type { IncomingMessage } from 'node:http'
import { connect } from 'node:net'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { NOW, note, surface } from './routes.fixture.ts'

/** More than the system keeps for a connection. */
const BYTES = Buffer.alloc(24 * 1024 * 1024, 'x')

async function listening(t: TestContext, settings?: Parameters<typeof surface>[0]) {
  const served = await surface(settings)
  const known = { key: 'a', content_type: 'text/plain', note: '', by: 'ann', updated_at: NOW }
  await served.artifacts.put(known, BYTES)
  await served.app.listen({ host: '127.0.0.1', port: 0 })
  t.after(async () => {
    served.app.server.closeAllConnections()
    await served.app.close()
  })
  const { port } = served.app.server.address() as { port: number }
  const ask = async (method = 'GET', path = 'artifacts/a?payload=1'): Promise<IncomingMessage> => {
    const call = request({
      port,
      host: '127.0.0.1',
      method,
      path: `/ams/v1/${path}`,
      agent: false,
      headers: { 'x-role': 'read' }
    })
    call.on('error', () => undefined).end()
    const [answer] = (await once(call, 'response')) as [IncomingMessage]
    return answer
  }
  return { ...served, port, read: ask }
}

/** A number once it has been the same for many turns. */
async function unchanged(read: () => number): Promise<number> {
  let last = read()
  for (let same = 0; same < 2000; same++) {
    await turn()
    if (read() !== last) same = 0
    last = read()
  }
  return last
}

async function lengthOf(answer: IncomingMessage): Promise<number> {
  let length = 0
  for await (const piece of answer) length += (piece as Buffer).length
  return length
}

test('the bytes of an artifact come whole over a connection, and HEAD says how many they are', async t => {
  const { read, errors } = await listening(t)

  const [got, head] = [await read(), await read('HEAD')]

  assert.equal(await lengthOf(got), BYTES.length)
  assert.deepEqual([head.statusCode, head.headers['content-length']], [200, String(BYTES.length)])
  assert.equal(await lengthOf(head), 0)
  assert.deepEqual(errors, [])
})

test('readers that take nothing leave others an answer, not a wait, and let go when they are gone', async t => {
  const { read, blobs, problems } = await listening(t)
  const slow = [await read(), await read()]

  const third = await read()

  assert.deepEqual([third.statusCode, third.headers['retry-after'] !== undefined], [503, true])
  assert.deepEqual(problems, ['saturated'])
  third.resume()
  for (const answer of slow) answer.destroy()
  while (blobs.readers > 0) await new Promise(resolve => setImmediate(resolve))
  const next = await read()
  assert.equal(await lengthOf(next), BYTES.length)
})

test('a long list has a place as bytes have, and a short answer needs none', async t => {
  const { read, ask } = await listening(t)
  for (const id of ['a', 'b'])
    await ask('POST', '/ams/v1/envelopes', { body: note({ id, payload: { text: id.repeat(60_000) } }) })
  const [long, head] = [await read('GET', 'envelopes'), await read('HEAD', 'envelopes')]
  const slow = [await read(), await read()]

  const [refused, short] = [await read('GET', 'envelopes'), await read('GET', 'envelopes?limit=1')]

  assert.deepEqual([long.statusCode, long.headers['content-type']], [200, 'application/json; charset=utf-8'])
  assert.equal(await lengthOf(long), Number(long.headers['content-length']))
  assert.equal(head.headers['content-length'], long.headers['content-length'])
  assert.deepEqual([refused.statusCode, refused.headers['retry-after'] !== undefined], [503, true])
  assert.deepEqual([short.statusCode, (await lengthOf(short)) > 60_000], [200, true])
  for (const answer of slow) answer.destroy()
})

test('of requests in a row none is answered before what was answered has left, and all are in the end', async t => {
  const MANY = 40
  let asked = 0
  const { port, ask } = await listening(t, {
    before(_, parts) {
      const { stores } = parts
      Object.assign(parts, { stores: () => (asked++, stores()) })
    }
  })
  for (let n = 0; n < 9; n++)
    await ask('POST', '/ams/v1/envelopes', { body: note({ payload: { text: 'x'.repeat(120_000) } }) })
  asked = 0
  const socket = connect(port, '127.0.0.1').pause()
  t.after(() => socket.destroy())
  socket.write('GET /ams/v1/envelopes HTTP/1.1\r\nHost: localhost\r\nx-role: read\r\n\r\n'.repeat(MANY))
  while (asked === 0) await turn()

  const unread = await unchanged(() => asked)
  const pieces: string[] = []
  const answers = (): number => pieces.join('').split('"nextCursor":').length - 1
  for await (const piece of socket.setEncoding('latin1')) {
    pieces.push(String(piece))
    if (asked === MANY && pieces.at(-1)!.endsWith('}') && answers() === MANY) break
  }

  // What the system keeps for a connection of this machine is a few of them.
  assert.ok(unread < MANY / 2, `${unread} were answered`)
  assert.equal(answers(), MANY)
})

test('bytes that cannot be read to their end break the answer off, and the operator is told', async t => {
  const { read, blobs, errors } = await listening(t)
  const cause = new Error('rotten')
  blobs.fails = cause

  await assert.rejects(async () => await lengthOf(await read()))
  while (errors.length === 0 || blobs.readers > 0) await turn()

  assert.deepEqual([errors, blobs.readers], [[cause], 0])
})

test('a body that is too long is refused before the rest of it is sent, and the connection ends', async t => {
  const { port } = await listening(t)
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => undefined)
  let text = ''
  socket.on('data', data => void (text += String(data)))

  socket.write(
    'PUT /ams/v1/artifacts/b HTTP/1.1\r\nHost: localhost\r\nx-role: admin\r\nContent-Length: 9999999999\r\n\r\nx'
  )
  await once(socket, 'close')

  assert.match(text, /^HTTP\/1\.1 413 /)
  assert.match(text, /\r\nconnection: close\r\n/i)
  assert.match(text, /"error":"body_oversize"/)
})
