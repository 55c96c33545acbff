import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { linked, startHub } from '../links/hubs.fixture.ts'
import { received, send, shareBetween } from './shares.fixture.ts'

const OPTIONS = { timeout: 240_000 }

void describe('a shared topic', OPTIONS, () => {
  void test('has what was sent into it before the link received at the other hub, once', async t => {
    const [a, b] = [await startHub(t), await startHub(t)]
    const share = await shareBetween(a, b)
    for (const n of [1, 2, 3]) await send(a, 'orders/new', `message ${n}`)
    await linked(a, b)

    const got = await received(b, 'orders/new', 3)
    assert.deepEqual(
      got.map(({ text }) => text),
      ['message 1', 'message 2', 'message 3']
    )
    assert.deepEqual(
      got.map(({ origin }) => [origin?.hub, origin?.share, origin?.number]),
      [1, 2, 3].map(number => [a.id, share.id, number])
    )
  })
})
