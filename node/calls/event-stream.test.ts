import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, request } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { OapError } from '../../protocols/index.ts'
import type { MailboxDelivery } from '../../protocols/index.ts'
import { Bodies, bodiesClock } from '../gateway/index.ts'
import { eventStream } from './event-stream.ts'

const BODY_BYTES = 1_000_000
const delivery = (n: number): MailboxDelivery => ({
  msg_id: String(n),
  topic: 'a',
  priority: 4,
  sent_at: 0,
  expires_at: 1,
  attempt: 1,
  body: Buffer.alloc(BODY_BYTES, 0x61)
})

/** Deliveries without end. */
class Source implements AsyncIterable<MailboxDelivery> {
  taken = 0
  isLeft = false

  async *[Symbol.asyncIterator](): AsyncGenerator<MailboxDelivery, void> {
    try {
      for (;;) yield delivery(++this.taken)
    } finally {
      this.isLeft = true
    }
  }
}

const options = (signal = new AbortController().signal) => ({
  heartbeatMs: 60_000,
  clock: bodiesClock,
  onError: () => undefined,
  signal,
  requestId: 'req_1'
})

test('of deliveries without end a reader that takes nothing is read no more than its connection holds', async t => {
  const source = new Source()
  const sent = Promise.withResolvers<void>()
  const server = createServer((_, response) => void give(response, source).then(sent.resolve, sent.resolve))
  t.after(() => server.close())
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const asking = request({ port: (server.address() as AddressInfo).port }).end()
  const [answer] = (await once(asking, 'response')) as [IncomingMessage]
  answer.pause()

  const taken = await unchanged(() => source.taken)
  answer.destroy()
  await sent.promise

  // What the system keeps for a connection of this machine is a few dozen MiB at most.
  assert.ok(taken * BODY_BYTES < 128 * 1024 * 1024, `${taken} MB were taken`)
  assert.equal(source.isLeft, true)
})

async function give(response: ServerResponse, source: Source): Promise<void> {
  const gone = new AbortController()
  response.once('close', () => gone.abort())
  const bodies = new Bodies({
    most: 1,
    stallMs: 60_000,
    makesWayAfterMs: 60_000,
    charge: () => 0,
    clock: bodiesClock,
    onCut: () => undefined
  })
  using place = bodies.enter(response)
  response.writeHead(200)
  await place.send(eventStream(source, options(gone.signal)))
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

async function textOf(pieces: AsyncIterable<Uint8Array>): Promise<string> {
  let text = ''
  for await (const piece of pieces) text += Buffer.from(piece).toString()
  return text
}

test('while nothing comes comments do, and what fails ends the stream with its code', async () => {
  const failing = Promise.withResolvers<never>()
  let beats = 0
  const clock = {
    now: () => 0,
    after(_: number, late: () => void) {
      if (++beats <= 2) queueMicrotask(late)
      else failing.reject(new OapError('not_ready', 'the mailbox closed', { retryAfterMs: 1500 }))
      return () => undefined
    }
  }
  const source = { [Symbol.asyncIterator]: () => ({ next: () => failing.promise }) }

  const text = await textOf(eventStream(source, { ...options(), clock }))

  const [opened, one, two, error, ...rest] = text.split('\n\n')
  assert.deepEqual([opened, one, two, rest], [': open', ': ', ': ', ['']])
  const [name, data = ''] = error!.split('\ndata: ')
  assert.equal(name, 'event: error')
  assert.deepEqual(JSON.parse(data), {
    ok: false,
    error: 'not_ready',
    message: 'the mailbox closed',
    request_id: 'req_1',
    retry_after_sec: 2
  })
})
