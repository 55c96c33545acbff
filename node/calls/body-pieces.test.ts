import assert from 'node:assert/strict'
import type { IncomingMessage } from 'node:http'
import { PassThrough } from 'node:stream'
import { test } from 'node:test'
import { bodyPieces } from './body-pieces.ts'

/** A body that is sent as the test says, and a clock that only the test moves. */
function coming() {
  const body = new PassThrough()
  const late: (() => void)[] = []
  const clock = {
    after(_: number, run: () => void) {
      late.push(run)
      return () => undefined
    }
  }
  const pieces = bodyPieces(body as unknown as IncomingMessage, { maxBytes: 10, stallMs: 30_000, clock })
  return { body, pieces, stall: () => late.at(-1)!() }
}

test('a body comes piece by piece', async () => {
  const { body, pieces } = coming()
  body.write('12345')
  const first = await pieces.next()
  body.end('67890')

  assert.equal(String(first.value), '12345')
  assert.equal(String((await pieces.next()).value), '67890')
  assert.equal((await pieces.next()).done, true)
})

test('a body of which nothing comes is given up, and its connection can be answered', async () => {
  const { body, pieces, stall } = coming()
  const next = pieces.next()
  stall()

  await assert.rejects(next, { code: 'slow_peer', status: 408 })
  assert.equal(body.destroyed, false)
})

test('a body that is too long is refused once it is', async () => {
  const { body, pieces } = coming()
  body.write('1234567890')
  await pieces.next()
  body.write('1')

  await assert.rejects(pieces.next(), { code: 'body_oversize', status: 413 })
  assert.equal(body.destroyed, false)
})
