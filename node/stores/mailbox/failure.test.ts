import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import type { Level } from '../level.ts'
import { KIND, row } from './keys.ts'
import { rowsInMemory } from './level-rows.fixture.ts'
import { append, message } from './store.suite.ts'
import type { Change, MailboxStore, Place } from './types.ts'

const TOPIC = { tenant: 'paris', topic: 'orders/new' }
const PAGE = { limit: 100 }
const EIO = /EIO/

test('a row that cannot be read while a commit is composed ends the store, and nothing of the commit is written', async t => {
  const { store, place, isUnreadable, open } = await withOneMessage(t)
  const failed = store.commit([{ do: 'append', message: message('half') }, removal(place)])
  const later = store.commit([{ do: 'append', message: message('later') }])

  await assert.rejects(failed, EIO)
  await assert.rejects(later, EIO)
  await assert.rejects(store.noteAttempts([]), EIO)
  assert.match(String(store.failure), EIO)
  assert.deepEqual(store.waiting, { messages: 0, bytes: 0 })
  await store[Symbol.asyncDispose]()

  isUnreadable.now = false
  const again = await open()
  assert.deepEqual(bodiesOf(await again.read(TOPIC, PAGE)), ['first'])
  assert.equal(again.counts(TOPIC).ready.messages, 1)
})

test('a commit that waited for room and cannot be composed lets none wait for ever', async t => {
  const { store, place } = await withOneMessage(t)
  const body = new Uint8Array(900_000)
  const filling = Array.from({ length: 8 }, () =>
    store.commit([{ do: 'append', message: { ...message(''), body } }])
  )
  const waiting = [store.commit([removal(place)]), store.commit([{ do: 'append', message: message('x') }])]

  const [results, last] = await Promise.all([Promise.allSettled(filling), Promise.allSettled(waiting)])

  assert.equal(results[0]!.status, 'fulfilled')
  assert.deepEqual(
    last.map(({ status }) => status),
    ['rejected', 'rejected']
  )
  await assert.rejects(store.commit([{ do: 'append', message: message('after') }]), EIO)
  await store[Symbol.asyncDispose]()
})

test('attempts that cannot be noted end the store, and so does a row that cannot be set aside', async t => {
  const noted = await withOneMessage(t)
  const note = { place: noted.place, attempts: 1, history: new Uint8Array() }
  await assert.rejects(noted.store.noteAttempts([note]), EIO)
  assert.match(String(noted.store.failure), EIO)

  const damaged = await withOneMessage(t)
  const [key] = await damaged.level.keys({ gte: row(KIND.ready), limit: 1 }).all()
  await damaged.level.put(key!, Buffer.from('no message'))
  await assert.rejects(damaged.store.read(TOPIC, PAGE), EIO)
  assert.match(String(damaged.store.failure), EIO)
})

test('acknowledgements are taken while no sends are any more', async t => {
  const { open } = await rowsInMemory(t)
  const store = await open()
  const [place] = await append(store, message('first'))
  const body = new Uint8Array(983_000)
  const sends = Array.from({ length: 80 }, () =>
    store.commit([{ do: 'append', message: { ...message(''), body } }]).catch((error: unknown) => error)
  )
  const moved: Change = { do: 'append', message: { ...message('dead', { topic: 'dead' }), body } }

  const [outcome] = await store.commit([removal(place!), moved])

  assert.equal(outcome?.is, 'done')
  const refused = (await Promise.all(sends)).filter(sent => sent instanceof Error)
  assert.ok(refused.length > 0)
})

test('acknowledgements that wait are bounded too', async t => {
  const { open } = await rowsInMemory(t)
  const store = await open()
  const body = new Uint8Array(983_000)
  const place = { ...TOPIC, priority: 0, id: '0'.repeat(26) }
  const changes: Change[] = [
    removal(place),
    ...Array.from({ length: 15 }, (): Change => ({ do: 'append', message: { ...message(''), body } }))
  ]

  const commits = Array.from({ length: 8 }, () => store.commit(changes))
  const results = await Promise.allSettled(commits)

  const refused = results.filter(({ status }) => status === 'rejected') as PromiseRejectedResult[]
  assert.ok(refused.length > 0 && refused.length < 4, `${refused.length} were refused`)
  assert.ok(refused.every(({ reason }) => (reason as { code: string }).code === 'saturated'))
})

for (const [what, kind, name] of [
  ['a topic', KIND.topicCounts, 'paris\0orders/new'],
  ['a tenant', KIND.tenantCounts, 'paris']
] as const) {
  test(`counts are taken anew, and it is said, when the row of ${what} is damaged`, async t => {
    const { level, open, corrupt } = await rowsInMemory(t)
    const first = await open()
    await append(first, message('a'), message('b'))
    await first[Symbol.asyncDispose]()
    await level.put(row(kind, name), Buffer.from('no counts'))

    const again = await open()

    assert.deepEqual([again.opened.recounted, again.counts(TOPIC).ready.messages], [2, 2])
    assert.equal(again.tenantCounts('paris').ready.messages, 2)
    assert.deepEqual(
      corrupt.map(({ key }) => key),
      [row(kind, name)]
    )
  })
}

test('counts that turn out damaged later end the store instead of being none', async t => {
  const { level, open } = await rowsInMemory(t)
  const first = await open()
  await append(first, message('a'))
  await first[Symbol.asyncDispose]()
  for (const ask of [
    (store: MailboxStore) => store.counts(TOPIC),
    (store: MailboxStore) => store.topics({ limit: 10 }),
    (store: MailboxStore) => append(store, message('b'))
  ]) {
    const store = await open()
    await level.put(row(KIND.topicCounts, 'paris\0orders/new'), Buffer.from('no counts'))

    await assert.rejects(async () => ask(store), /counts .* damaged/)

    assert.match(String(store.failure), /counts .* damaged/)
  }
})

/** A store that finds a message in its rows alone, and rows that cannot be read from then on. */
async function withOneMessage(t: TestContext) {
  const { level, open } = await rowsInMemory(t)
  const first = await open()
  const [place] = await append(first, message('first'))
  await first[Symbol.asyncDispose]()
  const store = await open()
  store.counts(TOPIC)
  store.tenantCounts(TOPIC.tenant)
  return { level, open, store, place: place!, isUnreadable: unreadable(level) }
}

function unreadable(level: Level): { now: boolean } {
  const isUnreadable = { now: true }
  const getSync = level.getSync.bind(level) as (key: string) => Uint8Array | undefined
  Object.assign(level, {
    getSync(key: string) {
      if (isUnreadable.now) throw new Error('EIO: i/o error, read')
      return getSync(key)
    }
  })
  return isUnreadable
}

const removal = (place: Place): Change => ({ do: 'remove', place })

const bodiesOf = (messages: readonly { readonly body: Uint8Array }[]): string[] =>
  messages.map(({ body }) => Buffer.from(body).toString())
