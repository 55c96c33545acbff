import assert from 'node:assert/strict'
import { hash } from 'node:crypto'
import { test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import type { ConnectionCaller } from '../../protocols/index.ts'
import { KeyExchange } from './key-exchange.ts'

test('a link is asked at once, once more when both sides know of it, and then every ten minutes', async () => {
  const { asked, at } = given(async () => ({ digest: hash('sha256', ''), total: 0, body: new Uint8Array(0) }))

  for (const ms of [0, 250, 1999, 2000, 3000, 601_999, 602_000, 900_000]) await at(ms)

  assert.deepEqual(asked, [0, 2000, 602_000])
})

test('a link that does not answer is asked again soon, and ever less often', async () => {
  const { asked, at } = given(async () => {
    throw new Error('gone')
  })

  for (let ms = 0; ms <= 2_000_000; ms += 1000) await at(ms)

  assert.deepEqual(
    asked.map(ms => ms / 1000),
    [0, 2, 6, 14, 30, 62, 126, 254, 510, 1022, 1622]
  )
})

test('a link counts as read once what it says of keys was learned, and not before', async () => {
  let isSilent = true
  const { at, isRead } = given(async () => {
    if (isSilent) throw new Error('busy')
    return { digest: hash('sha256', ''), total: 0, body: new Uint8Array(0) }
  })
  await at(0)
  assert.equal(isRead(), false)

  isSilent = false
  await at(1999)
  assert.equal(isRead(), false)
  await at(2000)
  assert.equal(isRead(), true)
})

/** An exchange with one link, whose answers to `keys` are given; `at` has it look at that moment. */
function given(keys: () => Promise<object>) {
  let nowMs = 0
  const asked: number[] = []
  const client = {
    keys: async () => {
      asked.push(nowMs)
      return keys()
    }
  }
  const caller = { client: () => client } as unknown as ConnectionCaller
  const link = { hub: 'h1other', caller }
  const exchange = new KeyExchange({
    own: undefined as never,
    peers: { learn: async () => ({ learned: 0, known: 0, refused: [], equivocating: [] }) },
    links: () => [link],
    nowMs: () => nowMs,
    log: { info: () => undefined, warn: () => undefined, debug: () => undefined }
  })
  let hasRead = false
  void exchange.read(link).then(() => (hasRead = true))
  const at = async (ms: number): Promise<void> => {
    nowMs = ms
    exchange.tick()
    await turn()
  }
  return { asked, at, isRead: () => hasRead }
}
