import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { Caller } from './caller.ts'

const ANSWER = 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n'
const ASKED = { method: 'GET', path: '/' }

/** A hub that ends each connection, with nothing said, at the request that is the `last` of it. */
async function calling(t: TestContext, last: number) {
  const server = createServer(socket => {
    let requests = 0
    socket.on('error', () => undefined)
    socket.on('data', () => (++requests === last ? socket.resetAndDestroy() : socket.write(ANSWER)))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close())
  const caller = new Caller((server.address() as AddressInfo).port, '127.0.0.1', 1)
  t.after(() => caller[Symbol.dispose]())
  return caller
}

test('a call whose kept connection has ended is made once more, and counted', async t => {
  const caller = await calling(t, 2)

  const statuses = [await caller.call(ASKED), await caller.call(ASKED)].map(({ status }) => status)

  assert.deepEqual([statuses, caller.resent], [[200, 200], 1])
})

test('a call that ends a connection of its own has failed', async t => {
  const caller = await calling(t, 1)

  await assert.rejects(caller.call(ASKED), { code: 'ECONNRESET' })
  assert.equal(caller.resent, 0)
})
