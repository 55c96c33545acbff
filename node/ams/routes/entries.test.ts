import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { NOW, surface } from './routes.fixture.ts'

const SHA256 = 'ab'.repeat(32)

void describe('a notary record', () => {
  void test('is what was shown, when and by whom, and is told the audit log', async () => {
    const { ask, told } = await surface()
    const body = { kind: 'file', subject: 'file:a.pdf', sha256: SHA256, meta: { pages: 3 } }

    const answer = await ask('POST', '/notary/v1/records', { role: 'write', body })

    const { ok, record } = answer.json()
    assert.deepEqual([answer.statusCode, ok], [201, true])
    assert.match(record.id, /^notary_[0-9A-Z]{26}$/)
    assert.deepEqual(record, { id: record.id, ts: NOW, by: 'write-token', ...body })
    assert.deepEqual((await ask('GET', '/notary/v1/records')).json().items, [record])
    const { kind, subject } = body
    assert.deepEqual(told, [
      { type: 'notary.record', by: 'write-token', data: { id: record.id, kind, subject, sha256: SHA256 } }
    ])
  })

  void test('under an id of its own is made once, and no other takes the id', async () => {
    const { ask, told } = await surface()
    const post = async (body: object) => await ask('POST', '/notary/v1/records', { body })

    const first = await post({ id: 'r1', sha256: SHA256 })
    const again = await post({ id: 'r1', sha256: SHA256 })
    const other = await post({ id: 'r1', sha256: SHA256, subject: 'b' })

    assert.deepEqual([first.statusCode, again.statusCode, other.statusCode], [201, 200, 409])
    assert.deepEqual([again.json(), other.json().error, told.length], [first.json(), 'conflict', 1])
  })

  for (const [what, body, error] of [
    ['without a digest', {}, 'missing_member'],
    ['with a digest in capitals', { sha256: 'AB'.repeat(32) }, 'bad_form'],
    ['with a short digest', { sha256: 'ab' }, 'bad_form'],
    ['with a member of no name', { sha256: SHA256, ts: NOW }, 'unknown_member'],
    ['with a long subject', { sha256: SHA256, subject: 'é'.repeat(257) }, 'too_long'],
    ['with much beside it', { sha256: SHA256, meta: { a: 'x'.repeat(16_384) } }, 'too_long'],
    ['with an id that holds a space', { sha256: SHA256, id: 'a b' }, 'bad_form']
  ] as const)
    void test(`${what} is refused as ${error}`, async () => {
      const { ask, told } = await surface()

      const answer = await ask('POST', '/notary/v1/records', { body })

      assert.deepEqual([answer.statusCode, answer.json().error, told], [400, error, []])
    })
})

void describe('a room', () => {
  void test('has its messages by pages, and those of no other', async () => {
    const { ask, told } = await surface()
    for (const [room, text] of [
      ['a', '1'],
      ['ab', '2'],
      ['a', '3'],
      ['a', '4']
    ] as const)
      await ask('POST', `/room/v1/messages?room=${room}`, { body: { from: 'ann', body: { text } } })
    const texts = async (query: string): Promise<[string[], string | null]> => {
      const { items, nextCursor } = (await ask('GET', `/room/v1/messages?${query}`)).json()
      return [items.map(({ body }: { body: { text: string } }) => body.text), nextCursor]
    }

    const [first, cursor] = await texts('room=a&limit=2')
    assert.deepEqual(first, ['4', '3'])
    assert.deepEqual(await texts(`room=a&limit=2&cursor=${cursor}`), [['1'], null])
    const [all, end] = await texts('room=a&dir=asc')
    assert.deepEqual(all, ['1', '3', '4'])
    assert.deepEqual(await texts(`room=a&dir=asc&cursor=${end}`), [[], end])
    assert.deepEqual((await texts('room=b'))[0], [])
    assert.deepEqual(
      told.map(({ type, data }) => [type, data['room'], data['from'], data['kind'], 'body' in data]),
      ['a', 'ab', 'a', 'a'].map(room => ['room.message', room, 'ann', 'text', false])
    )
  })

  void test('takes a message once under an id of its own, whatever the room', async () => {
    const { ask } = await surface()
    const say = async (room: string, text: string) =>
      await ask('POST', `/room/v1/messages?room=${room}`, { body: { id: 'm1', body: { text } } })

    const statuses = [await say('a', '1'), await say('a', '1'), await say('a', '2'), await say('b', '1')]

    assert.deepEqual(
      statuses.map(({ statusCode }) => statusCode),
      [201, 200, 409, 409]
    )
  })

  void test('needs its name, and a message its body', async () => {
    const { ask } = await surface()
    const body = { body: {} }

    for (const query of ['', '?room=', '?room=a%00b', '?room=a&room=b', `?room=${'x'.repeat(129)}`]) {
      for (const method of ['GET', 'POST']) {
        const answer = await ask(method, `/room/v1/messages${query}`, method === 'POST' ? { body } : {})
        assert.deepEqual([answer.statusCode, answer.json().error], [400, 'bad_query'], query)
      }
    }
    for (const wrong of [{}, { body: 'hi' }, { body: {}, from: '' }, { body: {}, room: 'a' }])
      assert.equal((await ask('POST', '/room/v1/messages?room=a', { body: wrong })).statusCode, 400)
  })
})
