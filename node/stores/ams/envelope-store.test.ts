import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { digestOf } from '../../ams/envelope.ts'
import type { Immutable } from '../../ams/envelope.ts'
import { brokenAt } from '../../ams/status.ts'
import { openLevel } from '../level.ts'
import type { Level } from '../level.ts'
import { EnvelopeStore } from './envelope-store.ts'
import type { EnvelopeEvent } from './envelope-store.ts'
import type { NewEnvelope } from './types.ts'

const TRACE = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
const AT = '2026-01-01T00:00:00.000Z'

const note = (n: number, more: Partial<Immutable> = {}): NewEnvelope => {
  const immutable: Immutable = {
    id: `env_${n}`,
    created_at: AT,
    type: 'note',
    thread: 't_a',
    from: 'ann',
    to: 'bob',
    payload: { n },
    ...more
  }
  return { immutable, sha256: digestOf(immutable), proofs: [], status: 'queued', meta: {}, at: AT, by: 'ann' }
}

async function opened(level?: Level) {
  const told: EnvelopeEvent[] = []
  const corrupt: string[] = []
  const rows = level ?? (await openLevel('memory'))
  const store = await EnvelopeStore.open(rows, {
    tell: async event => void told.push(event),
    onCorrupt: key => void corrupt.push(key)
  })
  return { store, told, corrupt, level: rows }
}

const ids = (items: readonly { readonly immutable: Immutable }[]): string[] =>
  items.map(({ immutable }) => immutable.id)

void describe('an envelope', () => {
  void test('is kept once under its id, whoever posts it again, and no other takes its id', async () => {
    const { store, told } = await opened()

    const first = await store.create(note(1))
    const again = await store.create(note(1))
    const partly = await store.create(note(1), { id: 'env_1', type: 'note', payload: { n: 1 } })

    assert.deepEqual([first.isNew, again.isNew, partly.isNew], [true, false, false])
    assert.deepEqual(again.stored, first.stored)
    await assert.rejects(store.create(note(1, { payload: { n: 2 } })), { code: 'conflict' })
    assert.deepEqual(
      told.map(({ is, place }) => [is, place]),
      [['created', 1]]
    )
  })

  void test('of many at once has one place each, and one of the same id is new once', async () => {
    const { store } = await opened()

    const all = await Promise.all(Array.from({ length: 1000 }, (_, n) => store.create(note(n % 500))))

    assert.equal(all.filter(({ isNew }) => isNew).length, 500)
    assert.equal(new Set(all.map(({ stored }) => stored.place)).size, 500)
    const [thread] = await store.threads({ limit: 10 })
    assert.deepEqual([thread?.count, thread?.statuses], [500, { queued: 500 }])
  })

  void test('changes its status by the rules, each change chained to the one before', async () => {
    const { store, told } = await opened()
    const { stored } = await store.create(note(1))

    const accepted = await store.change('env_1', { status: 'accepted', at: AT, by: 'hub' })
    const same = await store.change('env_1', { status: 'accepted', at: AT, by: 'hub' })
    const noted = await store.change('env_1', { meta: { seen: true }, at: AT, by: 'bob' })

    assert.deepEqual([accepted?.latest.n, same?.latest.n, noted?.latest.n], [1, 1, 2])
    assert.deepEqual([noted?.latest.status, noted?.latest.meta], ['accepted', { seen: true }])
    await assert.rejects(store.change('env_1', { status: 'queued', at: AT, by: 'bob' }), {
      code: 'bad_transition'
    })
    assert.equal(await store.change('env_2', { status: 'accepted', at: AT, by: 'hub' }), undefined)
    const records = await store.records(stored.place)
    assert.equal(records.length, 3)
    assert.equal(brokenAt(stored.sha256, records), undefined)
    assert.deepEqual(
      told.map(({ is, record }) => [is, record.n]),
      [
        ['created', 0],
        ['updated', 1],
        ['updated', 2]
      ]
    )
  })
})

void describe('a list of envelopes', () => {
  void test('goes through all in both directions by pages, each once, whatever is stored meanwhile', async () => {
    const { store } = await opened()
    for (let n = 1; n <= 7; n++) await store.create(note(n))

    const seen: Record<'up' | 'down', string[]> = { up: [], down: [] }
    for (const isAscending of [true, false]) {
      let after: number | undefined
      for (let page = 0; page < 20; page++) {
        const { items, next } = await store.list({}, { after, limit: 2, isAscending })
        seen[isAscending ? 'up' : 'down'].push(...ids(items))
        await store.create(note(100 * (isAscending ? 1 : 2) + page, { thread: 't_b' }))
        if (next === undefined || page > 3) break
        after = next
      }
    }

    assert.deepEqual(
      seen.up.slice(0, 7),
      [1, 2, 3, 4, 5, 6, 7].map(n => `env_${n}`)
    )
    assert.equal(new Set(seen.up).size, seen.up.length)
    assert.equal(new Set(seen.down).size, seen.down.length)
    assert.deepEqual(
      seen.down,
      seen.down.toSorted((a, b) => Number(b.slice(4)) - Number(a.slice(4)))
    )
  })

  void test('holds only what its filters name', async () => {
    const { store } = await opened()
    await store.create(note(1))
    await store.create(note(2, { from: 'eve' }))
    await store.create(note(3, { thread: 't_ab' }))
    await store.create(note(4, { to: 'carl' }))
    await store.change('env_4', { status: 'rejected', at: AT, by: 'hub' })
    const listed = async (filter: object): Promise<string[]> =>
      ids((await store.list(filter, { limit: 10, isAscending: true })).items)

    assert.deepEqual(await listed({ thread: 't_a' }), ['env_1', 'env_2', 'env_4'])
    assert.deepEqual(await listed({ thread: 't_a', from: 'ann' }), ['env_1', 'env_4'])
    assert.deepEqual(await listed({ to: 'carl' }), ['env_4'])
    assert.deepEqual(await listed({ status: 'queued' }), ['env_1', 'env_2', 'env_3'])
    assert.deepEqual(await listed({ status: 'rejected', from: 'eve' }), [])
  })
})

void test('threads come with what changed last first, and are counted by status', async () => {
  const { store } = await opened()
  await store.create(note(1))
  await store.create(note(2, { thread: 't_b', type: 'task', from: 'eve' }))
  await store.create(note(3))
  await store.change('env_2', { status: 'accepted', at: '2026-01-02T00:00:00.000Z', by: 'hub' })

  const [first, second, ...others] = await store.threads({ limit: 10 })

  assert.deepEqual(others, [])
  assert.deepEqual(
    [first?.thread, first?.count, first?.statuses, first?.last_type, first?.last_from, first?.updated_at],
    ['t_b', 1, { queued: 0, accepted: 1 }, 'task', 'eve', '2026-01-02T00:00:00.000Z']
  )
  assert.deepEqual([second?.thread, second?.count], ['t_a', 2])
  assert.deepEqual(
    (await store.threads({ before: first!.update, limit: 10 })).map(({ thread }) => thread),
    ['t_a']
  )
})

void test('what was durable and not told when the process ended is told when the store is opened again', async () => {
  const { level } = await opened()
  const silent = await EnvelopeStore.open(level, {
    tell: () => new Promise(() => undefined),
    onCorrupt: () => undefined
  })
  void silent.create({ ...note(1), trace: TRACE })
  await silent.idle()

  const { store, told } = await opened(level)

  assert.deepEqual(
    told.map(({ is, envelope, trace }) => [is, envelope.immutable.id, trace]),
    [['created', 'env_1', TRACE]]
  )
  assert.equal((await store.get('env_1'))?.latest.status, 'queued')
  assert.deepEqual((await opened(level)).told, [])
})

void test('who posts again is answered once the audit log has the first, also where it failed for that one', async () => {
  const told: string[] = []
  let isFailing = true
  const log = Promise.withResolvers<void>()
  const store = await EnvelopeStore.open(await openLevel('memory'), {
    tell: async ({ envelope }) => {
      if (isFailing) throw new Error('the log is full')
      await log.promise
      told.push(envelope.immutable.id)
    },
    onCorrupt: () => undefined
  })
  await assert.rejects(store.create(note(1)), /the log is full/)
  isFailing = false

  const answered: boolean[] = []
  const both = [1, 2].map(() => store.create(note(1)).then(({ isNew }) => answered.push(isNew)))
  await new Promise(setImmediate)
  assert.deepEqual([answered, told], [[], []])
  log.resolve()
  await Promise.all(both)

  assert.deepEqual([answered, told], [[false, false], ['env_1']])
})

void test('a row that is damaged is told, and its envelope is as if it were not there', async () => {
  const { store, corrupt, level } = await opened()
  await store.create(note(1))
  await store.create(note(2))
  const [key] = await level.keys({ gt: '!ams!e', lt: '!ams!f', limit: 1 }).all()
  const row = Buffer.from((await level.get(key!))!)
  row[10]! ^= 1
  await level.put(key!, row)

  assert.equal(await store.get('env_1'), undefined)
  assert.deepEqual(ids((await store.list({}, { limit: 10, isAscending: true })).items), ['env_2'])
  assert.ok(corrupt.includes(key!))
})
