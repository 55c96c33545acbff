import assert from 'node:assert/strict'
import { test } from 'node:test'
import { note, surface } from './routes.fixture.ts'

test('nothing new of a blocked sender is taken, by whatever route it comes, and what was there stays', async () => {
  const blocked = new Set<string>()
  const { ask, judged } = await surface({ posting: { isBlocked: from => blocked.has(from) } })
  await ask('POST', '/ams/v1/envelopes', { body: note({ id: 'e1', from: 'bad' }) })
  const room = '/room/v1/messages?room=lobby'
  const message = { id: 'm1', from: 'bad', body: {} }
  await ask('POST', room, { body: message })
  blocked.add('bad')

  const refused = [
    await ask('POST', '/ams/v1/envelopes', { body: note({ from: 'bad' }) }),
    await ask('POST', '/ams/v1/submit', { body: note({ from: 'bad' }) }),
    await ask('POST', room, { body: { from: 'bad', body: {} } }),
    await ask('POST', room, { body: { ...message, id: 'm2' } })
  ]
  const pushed = await ask('POST', '/ams/v1/sync', { body: { push: [note({ from: 'bad' }), note()] } })
  const taken = [
    await ask('POST', '/ams/v1/envelopes', { body: note({ id: 'e1', from: 'bad' }) }),
    await ask('POST', room, { body: message })
  ]

  for (const answer of refused)
    assert.deepEqual([answer.statusCode, answer.json().error], [403, 'sender_blocked'], answer.body)
  const { accepted, rejected } = pushed.json()
  assert.deepEqual([accepted.length, rejected[0].error], [1, 'sender_blocked'])
  assert.deepEqual(
    taken.map(({ statusCode }) => statusCode),
    [200, 200]
  )
  assert.equal(judged.length, 2)
})
