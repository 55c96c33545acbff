import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { OapError } from '../../../protocols/index.ts'
import { NOW, note, surface } from './routes.fixture.ts'

void describe('a sync', () => {
  void test('posts what it can, says of each of the others what is wrong, and pulls all, oldest first', async () => {
    const { ask, problems } = await surface()
    await ask('POST', '/ams/v1/envelopes', { body: note({ id: 'e1' }) })

    const answer = await ask('POST', '/ams/v1/sync', {
      role: 'write',
      body: {
        push: [
          note({ id: 'e2' }),
          note({ id: 'e1', to: 'eve' }),
          note({ id: 'e1' }),
          7,
          { id: 'a b' },
          note()
        ]
      }
    })

    const { ok, accepted, rejected, pulled } = answer.json()
    assert.deepEqual([answer.statusCode, ok], [200, true])
    assert.deepEqual(
      accepted.map(({ id, sha256 }: { id: string; sha256: string }) => [id.slice(0, 4), sha256.length]),
      [
        ['e2', 64],
        ['e1', 64],
        ['env_', 64]
      ]
    )
    assert.deepEqual(
      rejected.map(({ index, id, error }: Record<string, unknown>) => [index, id, error]),
      [
        [1, 'e1', 'conflict'],
        [3, undefined, 'bad_form'],
        [4, undefined, 'missing_member']
      ]
    )
    assert.match(rejected[1].message, /^push\[3\]: /)
    assert.deepEqual(problems, ['conflict', 'bad_form', 'missing_member'])
    assert.deepEqual(
      pulled.items.map(({ id }: { id: string }) => id.slice(0, 4)),
      ['e1', 'e2', 'env_']
    )
  })

  void test('goes on where the one before ended', async () => {
    const { ask } = await surface()
    const sync = async (body: object): Promise<{ items: { id: string }[]; nextCursor: string }> =>
      (await ask('POST', '/ams/v1/sync', { body })).json().pulled
    for (let n = 1; n <= 3; n++) await ask('POST', '/ams/v1/envelopes', { body: note({ id: `e${n}` }) })

    const first = await sync({ limit: 2 })
    const second = await sync({ since: first.nextCursor })
    await ask('POST', '/ams/v1/envelopes', { body: note({ id: 'e4', thread: 't_b' }) })
    const third = await sync({ since: second.nextCursor, thread: 't_b' })

    assert.deepEqual(
      [first, second, third].map(({ items }) => items.map(({ id }) => id)),
      [['e1', 'e2'], ['e3'], ['e4']]
    )
    assert.deepEqual(await sync({ pull: false }), { items: [], nextCursor: null })
  })

  void test('pushes for writers alone, and not while writes are shed', async () => {
    const { ask, told } = await surface()
    const shedding = await surface({
      options: { refusal: what => (what === 'write' ? new OapError('not_ready') : undefined) }
    })
    const body = { push: [note()] }

    const reader = await ask('POST', '/ams/v1/sync', { role: 'read', body })
    const shed = await shedding.ask('POST', '/ams/v1/sync', { body })
    const pull = await shedding.ask('POST', '/ams/v1/sync', { role: 'read', body: { push: [] } })

    assert.deepEqual([reader.statusCode, reader.json().error, told.length], [403, 'forbidden', 0])
    assert.deepEqual([shed.statusCode, shed.json().error, pull.statusCode], [503, 'not_ready', 200])
  })

  void test('of one envelope under one id twice keeps it once', async () => {
    const { ask, told } = await surface()

    const answer = await ask('POST', '/ams/v1/sync', {
      body: { push: [note({ id: 'e1', created_at: NOW }), note({ id: 'e1', created_at: NOW })] }
    })

    const { accepted, pulled } = answer.json()
    assert.deepEqual([accepted.length, accepted[0], pulled.items.length], [2, accepted[1], 1])
    assert.equal(told.length, 2)
  })

  for (const [what, body] of [
    ['more than 500 envelopes', { push: Array.from({ length: 501 }, () => ({})) }],
    ['a push that is no list', { push: {} }],
    ['a limit above 500', { limit: 501 }],
    ['a cursor that is none', { push: [note()], since: 'AAAAAAAAAAAA' }],
    ['a pull that is no flag', { pull: 'no' }],
    ['members of no name', { pul: true }]
  ] as const)
    void test(`with ${what} is refused with 400, and nothing is stored`, async () => {
      const { ask, told } = await surface()

      assert.equal((await ask('POST', '/ams/v1/sync', { body })).statusCode, 400)
      assert.deepEqual(told, [])
    })

  void test('takes no envelope that a post would not take for its length', async () => {
    const { ask } = await surface()
    const body = { pull: false, push: [note({ payload: { a: 'x'.repeat(600_000) } }), note({ id: 'e1' })] }

    const { accepted, rejected } = (await ask('POST', '/ams/v1/sync', { body })).json()

    assert.deepEqual([accepted.length, rejected[0].error], [1, 'too_long'])
  })
})

void describe('what is submitted', () => {
  void test('is kept as queued until somebody decides, and is not judged', async () => {
    const { ask, judged } = await surface()
    const body = note({ id: 'e1', created_at: NOW })

    const first = await ask('POST', '/ams/v1/submit', { role: 'write', body })
    const again = await ask('POST', '/ams/v1/submit', { role: 'write', body })

    assert.deepEqual([first.statusCode, again.statusCode, again.json()], [202, 202, first.json()])
    assert.deepEqual([first.json().id, first.json().status, judged], ['e1', 'queued', []])
    const change = { status: 'accepted' }
    assert.equal(
      (await ask('PATCH', '/ams/v1/envelopes/e1', { body: change })).json().envelope.status,
      'accepted'
    )
  })
})
