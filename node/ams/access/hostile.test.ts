import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { ADMIN, WRITE, guardedApp } from './access.fixture.ts'

/** Sends bytes as they are; yields the status of each answer and all that came until the hub closed. */
async function raw(t: TestContext, bytes: string) {
  const { app } = guardedApp(t)
  await app.listen({ host: '127.0.0.1', port: 0 })
  const { port } = app.server.address() as AddressInfo
  const socket = connect(port, '127.0.0.1')
  const pieces: Buffer[] = []
  socket.on('data', (piece: Buffer) => void pieces.push(piece)).on('error', () => undefined)
  await once(socket, 'connect')
  socket.write(bytes, 'latin1')
  await once(socket, 'close')
  const text = Buffer.concat(pieces).toString('latin1')
  return { statuses: [...text.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => Number(status)), text }
}

const request = (line: string, headers: readonly string[], body = ''): string =>
  [line, ...headers, '', body].join('\r\n')

const POST = 'POST /write HTTP/1.1'
const HOST = 'Host: localhost'
const EMPTY = 'Content-Length: 0'
const LAST = 'Connection: close'

test('what is sent well is answered', async t => {
  const { statuses } = await raw(t, request(POST, [HOST, EMPTY, LAST, `Authorization: Bearer ${WRITE}`]))

  assert.deepEqual(statuses, [200])
})

const REFUSED: readonly (readonly [string, string, readonly number[]])[] = [
  [
    'two lines of Authorization',
    request(POST, [HOST, EMPTY, LAST, `Authorization: Bearer ${WRITE}`, `Authorization: Bearer ${ADMIN}`]),
    [401]
  ],
  [
    'two lines of x-ams-token',
    request(POST, [HOST, EMPTY, LAST, `x-ams-token: ${WRITE}`, `x-ams-token: ${WRITE}`]),
    [401]
  ],
  [
    'a token on a line that goes on',
    request(POST, [HOST, EMPTY, LAST, 'Authorization: Bearer', ` ${WRITE}`]),
    [400]
  ],
  ['a space before the colon', request(POST, [HOST, EMPTY, LAST, `Authorization : Bearer ${WRITE}`]), [400]],
  ['a zero byte in a token', request(POST, [HOST, EMPTY, LAST, `x-ams-token: ${WRITE}\0`]), [400]],
  ['two lines of Host', request(POST, [HOST, 'Host: evil.example', EMPTY, LAST]), [421]],
  ['no Host', request(POST, [EMPTY, LAST]), [400]],
  [
    'a whole address of another host',
    request('POST http://evil.example/write HTTP/1.1', [HOST, EMPTY, LAST]),
    [400]
  ],
  [
    'a whole address of this host',
    request('POST http://localhost/write HTTP/1.1', [HOST, EMPTY, LAST]),
    [400]
  ],
  ['no path at all', request('OPTIONS * HTTP/1.1', [HOST, EMPTY, LAST]), [400]],
  [
    'a body of two lengths',
    request(POST, [HOST, LAST, 'Content-Length: 4', 'Content-Length: 5'], 'abcd'),
    [400]
  ],
  [
    'a body of a length and of chunks',
    request(POST, [HOST, LAST, 'Content-Length: 4', 'Transfer-Encoding: chunked'], '0\r\n\r\n'),
    [400]
  ],
  [
    'more headers than there is room for',
    request(POST, [HOST, EMPTY, LAST, `X-A: ${'a'.repeat(9000)}`]),
    [431]
  ],
  [
    'a thousand headers',
    request(POST, [HOST, EMPTY, LAST, ...Array.from({ length: 1000 }, (_, n) => `X-${n}: 1`)]),
    [431]
  ]
]

for (const [what, bytes, statuses] of REFUSED)
  test(`${what}: ${statuses.join()}, and no token in the answer`, async t => {
    const answer = await raw(t, bytes)

    assert.deepEqual(answer.statuses, statuses)
    assert.ok(!answer.text.includes(WRITE) && !answer.text.includes(ADMIN))
  })

test('a token of one request is none of the next on its connection', async t => {
  const { statuses } = await raw(
    t,
    request(POST, [HOST, EMPTY, `Authorization: Bearer ${WRITE}`]) + request(POST, [HOST, EMPTY, LAST])
  )

  assert.deepEqual(statuses, [200, 401])
})

test('the body of what is not let in is no further request', async t => {
  const hidden = request(POST, [HOST, EMPTY, `Authorization: Bearer ${WRITE}`])

  const { statuses } = await raw(t, request(POST, [HOST, `Content-Length: ${hidden.length}`], hidden))

  assert.deepEqual(statuses, [401])
})

test('a flood on one connection is let through as far as its limit, and no further', async t => {
  const flood = request('GET /none HTTP/1.1', [HOST]).repeat(300)

  const { statuses } = await raw(t, flood + request('GET /none HTTP/1.1', [HOST, LAST]))

  assert.deepEqual(
    [statuses.filter(status => status === 200).length, statuses.filter(status => status === 429).length],
    [200, 101]
  )
})
