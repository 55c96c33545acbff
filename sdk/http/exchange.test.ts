import assert from 'node:assert/strict'
import { test } from 'node:test'
import { mailboxService } from '../../protocols/index.ts'
import { ManualTime } from '../manual-time.fixture.ts'
import { HttpWire } from './http-wire.ts'

/** Takes each request, and says nothing. */
const mute = (_: string, { signal }: RequestInit): Promise<Response> =>
  new Promise((_, reject) => signal!.addEventListener('abort', () => reject(signal!.reason as Error)))

test('a subscription to which nothing is said is given up after 45 s, as one whose events stop', async () => {
  const time = new ManualTime()
  const wire = new HttpWire({
    fetch: mute,
    streamsUp: true,
    time,
    bases: ['http://hub.example'],
    token: undefined,
    dialTimeoutMs: undefined
  })
  const { subscribe } = mailboxService.operations

  const opening = wire.method(mailboxService.app, 'subscribe', subscribe)({ topic: 'orders' })
  assert.deepEqual(time.waiting, [45_000])
  time.pass(45_000)

  await assert.rejects(opening, { code: 'upstream', reason: 'session_lost', retryable: true })
  assert.deepEqual(time.waiting, [])
})
