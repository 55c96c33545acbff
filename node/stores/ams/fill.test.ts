import assert from 'node:assert/strict'
import { test } from 'node:test'
import { note, surface } from '../../ams/routes/routes.fixture.ts'
import { openLevel } from '../level.ts'
import { EntryStore, Fill } from './index.ts'

test('what all stores take together has a bound, beyond which each refuses what is new, and nothing else', async () => {
  const { ask } = await surface({ mostBytes: 20_000 })
  const put = (name: string, length: number) =>
    ask('PUT', `/ams/v1/artifacts/${name}`, { body: Buffer.alloc(length) })
  const room = (text: string) => ask('POST', '/room/v1/messages?room=a', { body: { body: { text } } })
  const post = (id: string, text: string) =>
    ask('POST', '/ams/v1/envelopes', { body: note({ id, payload: { text } }) })
  const text = 'x'.repeat(6000)

  const taken = [await put('a', 6000), await room(text), await post('e1', 'short')]
  const refused = [
    await put('b', 6000),
    await room(text),
    await post('e2', text),
    await ask('POST', '/notary/v1/records', { body: { sha256: 'ab'.repeat(32), meta: { text } } }),
    await ask('PATCH', '/ams/v1/envelopes/e1', { body: { meta: { text } } })
  ]
  const again = await post('e1', 'short')
  const smaller = [await put('a', 0), await put('b', 5000)]

  assert.deepEqual(
    taken.map(({ statusCode }) => statusCode),
    [201, 201, 201]
  )
  for (const { statusCode, json } of refused)
    assert.deepEqual([statusCode, json().error], [429, 'storage_full'])
  assert.deepEqual(
    [again, ...smaller].map(({ statusCode }) => statusCode),
    [200, 200, 201]
  )
})

test('what was taken is known when the store is opened again', async () => {
  const level = await openLevel('memory')
  const [before, after] = [new Fill(), new Fill()]
  const options = { name: 'room', tell: async () => undefined, onCorrupt: () => assert.fail() }
  const store = await EntryStore.open<string>(level, { ...options, fill: before })
  await Promise.all(['a', 'b'].map(id => store.append({ id, group: 'g', value: 'x'.repeat(1000) })))

  await EntryStore.open<string>(level, { ...options, fill: after })

  assert.ok(before.used > 2000 && before.used < 3000)
  assert.equal(after.used, before.used)
})
