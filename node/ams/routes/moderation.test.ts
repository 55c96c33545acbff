import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { AmsTold } from '../told.ts'
import { openAmsStores } from './open-stores.ts'
import { MemoryBlobs, NOW, note, surface } from './routes.fixture.ts'

type Ask = Awaited<ReturnType<typeof surface>>['ask']
const post = (ask: Ask, what: string, body: object, role = 'admin') =>
  ask('POST', `/admin/v1/${what}`, { body, role: role as never })

void describe('moderation', () => {
  void test('what was redacted is gone for good, and its id, digest and chain stay', async () => {
    const { ask, told, level } = await surface()
    const secret = note({
      id: 'e1',
      created_at: NOW,
      payload: { text: 'the secret' },
      meta: { seen: 'by me' }
    })
    const { sha256 } = (await ask('POST', '/ams/v1/envelopes', { body: secret })).json().envelope

    const redacted = await post(ask, 'redact', { id: 'e1', reason: 'a mistake' })
    const again = await post(ask, 'redact', { id: 'e1' })
    const reposted = await ask('POST', '/ams/v1/envelopes', { body: secret })
    const partly = await ask('POST', '/ams/v1/envelopes', {
      body: { ...note({ id: 'e1' }), payload: secret['payload'] }
    })
    const other = await ask('POST', '/ams/v1/envelopes', { body: note({ id: 'e1', created_at: NOW }) })

    const { envelope } = redacted.json()
    assert.deepEqual(
      [envelope.id, envelope.sha256, envelope.redacted, envelope.status, envelope.payload, envelope.proofs],
      ['e1', sha256, true, 'accepted', undefined, []]
    )
    assert.deepEqual(envelope.meta, { moderation: { redacted: true, reason: 'a mistake' } })
    assert.deepEqual(again.json(), redacted.json())
    assert.deepEqual([reposted.statusCode, partly.statusCode, other.statusCode], [200, 200, 409])
    assert.equal(reposted.json().envelope.payload, undefined)
    assert.deepEqual(
      told.map(({ type, data }) => [type, data['n']]),
      [
        ['ams.envelope.created', 0],
        ['ams.envelope.updated', 1],
        ['ams.envelope.redacted', 2]
      ]
    )
    const rows = await level.values().all()
    for (const row of rows) assert.doesNotMatch(Buffer.from(row as Uint8Array).toString(), /the secret|by me/)
  })

  void test('goes by the table of statuses, and says why', async () => {
    const { ask } = await surface({ posting: { judge: () => ({ status: 'quarantined', reasons: ['new'] }) } })
    for (const id of ['e1', 'e2', 'e3']) await ask('POST', '/ams/v1/envelopes', { body: note({ id }) })

    const waiting = (await ask('GET', '/admin/v1/quarantine?limit=2&dir=asc')).json()
    const rest = (await ask('GET', `/admin/v1/quarantine?dir=asc&cursor=${waiting.nextCursor}`)).json()
    const released = await post(ask, 'release', { id: 'e1' })
    const rejected = await post(ask, 'reject', { id: 'e2', reason: 'spam' })
    const archived = await post(ask, 'archive', { id: 'e2' })
    const late = await post(ask, 'release', { id: 'e2' })
    const nobody = await post(ask, 'reject', { id: 'e9' })

    assert.deepEqual([waiting.items.length, rest.items.length], [2, 1])
    assert.equal(released.json().envelope.status, 'accepted')
    assert.deepEqual(rejected.json().envelope.meta, {
      policy: { reasons: ['new'] },
      moderation: { reason: 'spam' }
    })
    assert.equal(archived.json().envelope.status, 'archived')
    assert.deepEqual([late.statusCode, late.json().error], [409, 'bad_transition'])
    assert.deepEqual([nobody.statusCode, nobody.json().error], [404, 'not_found'])
  })

  void test('the operator decides of what is there although there is no room for more', async () => {
    const { ask, stores } = await surface({
      mostBytes: 9000,
      posting: { judge: () => ({ status: 'quarantined', reasons: [] }) }
    })
    let n = 0
    while ((await ask('POST', '/ams/v1/envelopes', { body: note({ id: `e${n}` }) })).statusCode === 201) n++
    const full = await ask('PATCH', '/ams/v1/envelopes/e0', { body: { meta: { a: 'x'.repeat(8000) } } })

    const answers = [
      await post(ask, 'release', { id: 'e0', reason: 'x'.repeat(512) }),
      await post(ask, 'redact', { id: 'e1' }),
      await post(ask, 'block', { from: 'ann' }),
      await post(ask, 'retention', { count: 1 })
    ]

    assert.equal(full.json().error, 'storage_full')
    assert.deepEqual(
      answers.map(({ statusCode }) => statusCode),
      [200, 200, 200, 200]
    )
    assert.ok(stores.fill.used < 3000)
    await post(ask, 'unblock', { from: 'ann' })
    assert.equal((await ask('POST', '/ams/v1/envelopes', { body: note() })).statusCode, 201)
  })

  void test('blocks senders and takes them again, by pages, each change told once', async () => {
    const { ask, told } = await surface()
    for (const from of ['a', 'b', 'c']) await post(ask, 'block', { from, reason: `why ${from}` })
    await post(ask, 'block', { from: 'b' })

    const first = (await ask('GET', '/admin/v1/blocked?limit=2')).json()
    const second = (await ask('GET', `/admin/v1/blocked?limit=2&cursor=${first.nextCursor}`)).json()
    await post(ask, 'unblock', { from: 'a' })
    const unknown = await post(ask, 'unblock', { from: 'a' })

    assert.deepEqual(
      [...first.items, ...second.items].map(({ from }) => from),
      ['a', 'b', 'c']
    )
    assert.deepEqual(first.items[1], { from: 'b', reason: 'why b', at: NOW, by: 'admin-token' })
    assert.equal(second.nextCursor, null)
    assert.equal(unknown.statusCode, 404)
    assert.equal((await ask('POST', '/ams/v1/envelopes', { body: note({ from: 'a' }) })).statusCode, 201)
    assert.deepEqual(
      told.filter(({ type }) => type === 'ams.sender').map(({ data }) => [data['change'], data['from']]),
      [
        ['block', 'a'],
        ['block', 'b'],
        ['block', 'c'],
        ['unblock', 'a']
      ]
    )
  })

  void test('removes an artifact with its bytes, a message and a record, and the log is told', async () => {
    const { ask, told, blobs, stores } = await surface()
    await ask('PUT', '/ams/v1/artifacts/a1', { body: 'same' })
    await ask('PUT', '/ams/v1/artifacts/a2', { body: 'same' })
    await ask('POST', '/room/v1/messages?room=lobby', { body: { id: 'm1', body: {} } })
    await ask('POST', '/notary/v1/records', { body: { id: 'r1', sha256: 'ab'.repeat(32) } })

    await post(ask, 'remove', { artifact: 'a1' })
    assert.equal(blobs.held.size, 1)
    for (const body of [{ artifact: 'a2' }, { message: 'm1' }, { record: 'r1', reason: 'wrong' }])
      assert.equal((await post(ask, 'remove', body)).statusCode, 200)

    assert.deepEqual([blobs.held.size, stores.fill.used], [0, 0])
    assert.equal((await ask('GET', '/ams/v1/artifacts/a1')).statusCode, 404)
    assert.deepEqual((await ask('GET', '/room/v1/messages?room=lobby')).json().items, [])
    assert.equal((await post(ask, 'remove', { message: 'm1' })).statusCode, 404)
    assert.deepEqual(
      told.filter(({ type }) => type === 'ams.removed').map(({ data }) => data['what']),
      ['artifact', 'artifact', 'message', 'record']
    )
  })

  for (const [what, body, error] of [
    ['redact', {}, 'missing_member'],
    ['redact', { id: 'a b' }, 'bad_form'],
    ['reject', { id: 'e1', why: 'x' }, 'unknown_member'],
    ['reject', { id: 'e1', reason: 'x'.repeat(513) }, 'too_long'],
    ['block', { from: '' }, 'bad_form'],
    ['remove', {}, 'bad_form'],
    ['remove', { artifact: 'a', message: 'm' }, 'bad_form'],
    ['retention', {}, 'missing_member'],
    ['retention', { days: 0 }, 'bad_form'],
    ['retention', { count: 1e10 }, 'bad_form']
  ] as const)
    void test(`${what} of ${JSON.stringify(body).slice(0, 40)} is refused as ${error}`, async () => {
      const { ask } = await surface()

      const answer = await post(ask, what, body)

      assert.deepEqual([answer.statusCode, answer.json().error], [400, error])
    })

  void test('a run that takes long to begin is answered with itself, once it has begun', async t => {
    const { ask, stores } = await surface()
    const [counted, removed, isCounting] = [0, 1, 2].map(() => Promise.withResolvers<void>())
    const { envelopes } = stores
    const newestFrom = envelopes.newestFrom.bind(envelopes)
    const removeOld = envelopes.removeOld.bind(envelopes)
    envelopes.newestFrom = async count => {
      isCounting!.resolve()
      await counted!.promise
      return await newestFrom(count)
    }
    envelopes.removeOld = async (...asked) => {
      await removed!.promise
      return await removeOld(...asked)
    }
    t.mock.timers.enable({ apis: ['setTimeout'] })

    const asked = post(ask, 'retention', { count: 1 })
    await isCounting!.promise
    t.mock.timers.tick(60_000)
    for (let n = 0; n < 20; n++) await new Promise(setImmediate)
    counted!.resolve()
    const { statusCode, body } = await asked
    removed!.resolve()
    t.mock.timers.reset()

    assert.equal(statusCode, 202, body)
    assert.deepEqual([JSON.parse(body).run.by, JSON.parse(body).run.count], ['admin-token', 1])
    const again = await post(ask, 'retention', { count: 1 })
    assert.equal(again.statusCode, 200)
  })

  void test('nothing is told of what is not removed, since too much waits to be written', async () => {
    const { ask, told, stores } = await surface()
    await ask('POST', '/room/v1/messages?room=lobby', { body: { id: 'm1', body: {} } })
    Object.defineProperty(stores.rooms, 'isFull', { value: true })

    const refused = await post(ask, 'remove', { message: 'm1' })

    assert.equal(refused.statusCode, 503)
    assert.deepEqual(
      told.filter(({ type }) => type === 'ams.removed'),
      []
    )
  })

  void test('what is removed while the log takes nothing is told to it later, once, and before it is answered', async () => {
    let isBroken = false
    const { ask, told, stores, level } = await surface({
      tell: async ({ type }) => {
        if (isBroken && type === 'ams.removed') throw new Error('the log is full')
      }
    })
    await ask('POST', '/room/v1/messages?room=lobby', { body: { id: 'm1', body: {} } })
    isBroken = true

    const first = await post(ask, 'remove', { message: 'm1', reason: 'wrong' })
    isBroken = false
    const again: AmsTold[] = []
    await openAmsStores(level, {
      tell: async one => void again.push(one),
      blobs: new MemoryBlobs(),
      onCorrupt: () => undefined,
      onError: () => undefined
    })

    assert.equal(first.statusCode, 500)
    assert.equal(await stores.rooms.get('m1'), undefined)
    assert.equal(told.filter(({ type }) => type === 'ams.removed').length, 0)
    const data = { what: 'message', id: 'm1', reason: 'wrong' }
    assert.deepEqual(again, [{ type: 'ams.removed', by: 'admin-token', trace: undefined, data }])
  })

  void test('is for the operator alone', async () => {
    const { ask } = await surface()
    const paths = ['release', 'reject', 'archive', 'redact', 'remove', 'block', 'unblock', 'retention']

    for (const path of paths) {
      assert.equal((await post(ask, path, {}, 'write')).statusCode, 403, path)
      const other = await ask('PUT', `/admin/v1/${path}`)
      assert.equal(other.statusCode, 405, path)
    }
    for (const path of ['quarantine', 'blocked', 'retention'])
      assert.equal((await ask('GET', `/admin/v1/${path}`, { role: 'write' })).statusCode, 403, path)
    assert.equal((await ask('GET', '/admin/v1/other')).statusCode, 404)
  })
})
