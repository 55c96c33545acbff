import assert from 'node:assert/strict'
import type { IncomingMessage } from 'node:http'
import { PassThrough } from 'node:stream'
import { test } from 'node:test'
import { LEAST_BYTES, bodyPieces } from './body-pieces.ts'

/** A body that is sent as the test says, and a clock that only the test moves. */
function coming(maxBytes = 10) {
  const body = new PassThrough({ highWaterMark: 2 * LEAST_BYTES })
  const late: { readonly at: number; readonly run: () => void }[] = []
  let nowMs = 0
  const clock = {
    now: () => nowMs,
    after(ms: number, run: () => void) {
      late.push({ at: nowMs + ms, run })
      return () => undefined
    }
  }
  const pieces = bodyPieces(body as unknown as IncomingMessage, { maxBytes, stallMs: 30_000, clock })
  /** Time goes by; what is awaited is late where that was too long. */
  const pass = (ms: number): void => {
    nowMs += ms
    const { at, run } = late.at(-1)!
    if (nowMs >= at) run()
  }
  /** So many bytes after so long. */
  const after = async (ms: number, bytes: number): Promise<number> => {
    const next = pieces.next()
    pass(ms)
    body.write(Buffer.alloc(bytes))
    const { value } = await next
    return (value as Uint8Array).length
  }
  return { body, pieces, pass, after }
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
  const { body, pieces, pass } = coming()
  const next = pieces.next()
  pass(30_000)

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

test('a body that comes slowly and steadily may take as long as it likes', async () => {
  const { after } = coming(2 ** 40)

  for (let minutes = 0; minutes < 60; minutes++)
    for (const ms of [29_000, 1, 29_000]) assert.equal(await after(ms, LEAST_BYTES), LEAST_BYTES)
})

test('a body that drips is given up, however often something of it comes', async () => {
  const { body, after } = coming(2 ** 40)
  for (let n = 0; n < 29; n++) await after(1000, 1000)

  await assert.rejects(after(1000, 1000), { code: 'slow_peer', status: 408 })
  assert.equal(body.destroyed, false)
})

test('the time in which nobody reads a body is not counted', async () => {
  const { after, pass } = coming(2 ** 40)
  await after(20_000, 1)
  pass(9000)

  assert.equal(await after(9000, 1), 1)
})
