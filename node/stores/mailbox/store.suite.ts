import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { timeOf } from './ulid.ts'
import type {
  Change,
  Due,
  MailboxStore,
  MailboxStoreOptions,
  NewMessage,
  Note,
  Place,
  StoredMessage
} from './types.ts'

/** An implementation under test; `reopen` closes the store and opens what it left, or what a copy of it left. */
export interface Subject {
  readonly store: MailboxStore
  readonly reopen: () => Promise<MailboxStore>
}

export type Open = (t: TestContext, options: MailboxStoreOptions) => Promise<Subject>

export const WINDOW_MS = 300_000
const START_MS = 1_800_000_000_000
const TOPIC = { tenant: 'paris', topic: 'orders/new' }
const PAGE = { limit: 100 }
const NO_BYTES = new Uint8Array()

/** What every store of messages does. */
export function mailboxStoreSuite(name: string, open: Open): void {
  const it = (behaviour: string, run: (given: Given, t: TestContext) => Promise<void>): void => {
    test(`${name}: ${behaviour}`, async t => {
      const clock = { nowMs: START_MS }
      const subject = await open(t, { now: () => clock.nowMs, idemWindowMs: WINDOW_MS })
      await run({ ...subject, clock }, t)
    })
  }

  it('keeps a message as it came', async ({ store, reopen }) => {
    const given = message('a', { meta: Uint8Array.of(1, 2), priority: 7, expiresAtMs: START_MS + 5 })

    const [outcome] = await store.commit([{ do: 'append', message: given }])

    const [found] = await (await reopen()).read(TOPIC, PAGE)
    assert.equal(outcome?.is, 'done')
    assert.deepEqual(plain(found!), {
      ...TOPIC,
      id: outcome.id,
      priority: 7,
      meta: [1, 2],
      body: 'a',
      attempts: 0,
      history: [],
      notBeforeMs: undefined,
      expiresAtMs: START_MS + 5
    })
  })

  it('keeps a note in one step with a message', async ({ store, reopen }) => {
    await store.commit([
      { do: 'append', message: message('a') },
      { do: 'note', note: note('seen a', 'x') }
    ])

    const found = await (await reopen()).note('seen a')
    assert.equal(Buffer.from(found!).toString(), 'x')
  })

  it('refuses a commit whose note was to be new and is not, also while that is being written', async ({
    store
  }) => {
    const commit = (body: string) =>
      store.commit([
        { do: 'append', message: message(body) },
        { do: 'note', note: { ...note('seen a', body), isNew: true } }
      ])

    const order: string[] = []
    const told = async (body: string) => {
      const outcomes = await commit(body)
      order.push(body)
      return outcomes
    }

    const both = await Promise.all([told('first'), told('second')])
    const third = await commit('third')

    assert.deepEqual(
      [...both, third].map(outcomes => outcomes.map(({ is }) => is)),
      [
        ['done', 'done'],
        ['refused', 'known'],
        ['refused', 'known']
      ]
    )
    assert.deepEqual(order, ['first', 'second'])
    assert.equal(Buffer.from(third[1]!.value!).toString(), 'first')
    assert.deepEqual(bodies(await store.read(TOPIC, PAGE)), ['first'])
  })

  it('asks for rows beside a message once it is stored, in the order of all changes, and not for one that its key finds', async ({
    store
  }) => {
    const asked: string[] = []
    const beside = (name: string) => ({
      bytes: 10,
      rows: (of: string) => {
        asked.push(`${name} ${of.length}`)
        return [[`!beside!${name}`, Buffer.from(name)]] as const
      }
    })
    const keyed = (name: string) => message('x', { idem: idem('k', 1), beside: beside(name) })

    await Promise.all([
      store.commit([{ do: 'append', message: keyed('first') }]),
      store.commit([{ do: 'beside', beside: beside('alone') }]),
      store.commit([{ do: 'append', message: keyed('again') }])
    ])

    assert.deepEqual(asked, ['first 26', 'alone 0'])
  })

  it('forgets notes by their names', async ({ store }) => {
    await store.commit(['a 1', 'a 2', 'b 1'].map(name => ({ do: 'note', note: note(name, name) })))

    await store.forgetNotes('a 2', 'b')

    const found = await Promise.all(['a 1', 'a 2', 'b 1'].map(name => store.note(name)))
    assert.deepEqual(
      found.map(value => value && Buffer.from(value).toString()),
      ['a 1', undefined, 'b 1']
    )
  })

  it('bounds the bytes of a topic', async ({ store }) => {
    const bounds = { depth: 10, tenantBytes: 1e6, topicBytes: 300 }
    const [first, second, other] = await Promise.all(
      [message('x'.repeat(150), { bounds }), message('x'.repeat(150), { bounds }), message('small')].map(
        one => store.commit([{ do: 'append', message: one }])
      )
    )

    assert.equal(first![0]!.is, 'done')
    assert.deepEqual(second, [{ is: 'full', of: 'topic_bytes' }])
    assert.equal(other![0]!.is, 'done')
  })

  it('reads in the order of priority, then of arrival', async ({ store }) => {
    await append(store, message('b'), message('c'), message('a', { priority: 9 }))
    await append(store, message('a2', { priority: 9 }), message('d'))

    assert.deepEqual(bodies(await store.read(TOPIC, PAGE)), ['a', 'a2', 'b', 'c', 'd'])
  })

  it('reads on after a place, whether that is still there or not', async ({ store }) => {
    const places = await append(store, message('a'), message('b'), message('c'))
    await store.commit([{ do: 'remove', place: places[1]! }])

    assert.deepEqual(bodies(await store.read(TOPIC, { ...PAGE, after: places[0]! })), ['c'])
    assert.deepEqual(bodies(await store.read(TOPIC, { ...PAGE, after: places[1]! })), ['c'])
    assert.deepEqual(bodies(await store.read(TOPIC, { ...PAGE, after: places[2]! })), [])
  })

  it('reads only one priority where asked', async ({ store }) => {
    await append(store, message('a', { priority: 9 }), message('b', { priority: 3 }))

    assert.deepEqual(bodies(await store.read(TOPIC, { ...PAGE, priority: 3 })), ['b'])
  })

  it('reads no more than asked for, but one message at least', async ({ store }) => {
    await append(store, message('a'.repeat(1000)), message('b'.repeat(1000)), message('c'.repeat(1000)))

    assert.equal((await store.read(TOPIC, { limit: 2 })).length, 2)
    assert.equal((await store.read(TOPIC, { ...PAGE, maxBytes: 1 })).length, 1)
    assert.equal((await store.read(TOPIC, { ...PAGE, maxBytes: 2500 })).length, 2)
  })

  it('keeps tenants and topics apart, also those whose names begin alike', async ({ store }) => {
    const topics = [
      TOPIC,
      { tenant: 'paris', topic: 'orders/new/x' },
      { tenant: 'paris2', topic: 'orders/new' },
      { tenant: 'pari', topic: 'sorders/new' }
    ]
    for (const [i, topic] of topics.entries()) await append(store, message(String(i), topic))

    for (const [i, topic] of topics.entries())
      assert.deepEqual(bodies(await store.read(topic, PAGE)), [String(i)])
  })

  it('all parts of a commit become visible together, and each tells what became of it', async ({ store }) => {
    const [first] = await append(store, message('a'))

    const outcomes = await store.commit([
      { do: 'remove', place: first! },
      { do: 'append', message: message('b') },
      { do: 'remove', place: first! }
    ])

    assert.deepEqual(
      outcomes.map(({ is }) => is),
      ['done', 'done', 'absent']
    )
    assert.deepEqual(bodies(await store.read(TOPIC, PAGE)), ['b'])
  })

  it('gives ascending ids, also when the clock goes back and after it was opened again', async given => {
    const { clock, reopen } = given
    let { store } = given
    const ids = (await append(store, message('a'), message('b'))).map(({ id }) => id)
    clock.nowMs -= 60_000
    ids.push(...(await append(store, message('c'))).map(({ id }) => id))
    store = await reopen()
    ids.push(...(await append(store, message('d'))).map(({ id }) => id))

    assert.deepEqual(ids, [...new Set(ids)].sort())
    assert.deepEqual(ids.map(timeOf), [START_MS, START_MS, START_MS, START_MS])
  })

  it('yields the first id to a key given again within its window', async given => {
    const { store, clock, reopen } = given
    const [first] = await append(store, message('a', { idem: idem('k', 1) }))
    const again: Change = { do: 'append', message: message('a', { idem: idem('k', 1) }) }

    const now = await store.commit([again])
    await store.commit([{ do: 'remove', place: first! }])
    clock.nowMs += WINDOW_MS - 1
    const later = await (await reopen()).commit([again])

    assert.deepEqual([now, later], Array(2).fill([{ is: 'duplicate', id: first!.id }]))
  })

  it('forgets a key when its window has passed', async ({ store, clock }) => {
    const [first] = await append(store, message('a', { idem: idem('k', 1) }))
    clock.nowMs += WINDOW_MS

    const [second] = await append(store, message('a', { idem: idem('k', 2) }))

    assert.notEqual(second!.id, first!.id)
  })

  it('refuses a key that was given with another hash, and all that came with it', async ({ store }) => {
    await append(store, message('a', { idem: idem('k', 1) }))

    const outcomes = await store.commit([
      { do: 'append', message: message('b') },
      { do: 'append', message: message('c', { idem: idem('k', 2) }) }
    ])

    assert.deepEqual(outcomes, [{ is: 'refused' }, { is: 'conflict' }])
    assert.deepEqual(bodies(await store.read(TOPIC, PAGE)), ['a'])
    assert.equal(store.counts(TOPIC).ready.messages, 1)
  })

  it('knows a key among commits under way and within one commit', async ({ store }) => {
    const same = (): Change => ({ do: 'append', message: message('a', { idem: idem('k', 1) }) })

    const [[first, second], [third]] = await Promise.all([
      store.commit([same(), same()]),
      store.commit([same()])
    ])

    assert.equal(first!.is, 'done')
    assert.deepEqual([second, third], Array(2).fill({ is: 'duplicate', id: first!.id }))
  })

  it('refuses another hash for a key of the same commit', async ({ store }) => {
    const outcomes = await store.commit([
      { do: 'append', message: message('a', { idem: idem('k', 1) }) },
      { do: 'append', message: message('b', { idem: idem('k', 2) }) }
    ])

    assert.deepEqual(outcomes, [{ is: 'refused' }, { is: 'conflict' }])
    assert.deepEqual(bodies(await store.read(TOPIC, PAGE)), [])
  })

  it('scopes a key to its topic', async ({ store }) => {
    const other = { tenant: 'rome', topic: 'orders/new' }
    const key = idem('k', 1)

    await append(store, message('a', { idem: key }), message('b', { ...other, idem: key }))

    assert.deepEqual(bodies(await store.read(other, PAGE)), ['b'])
  })

  it('forgets passed keys on demand, and no others', async ({ store, clock }) => {
    await append(store, message('a', { idem: idem('old', 1) }))
    clock.nowMs += 2 * WINDOW_MS
    const [fresh] = await append(store, message('b', { idem: idem('new', 1) }))
    await store.forgetIdemKeys(clock.nowMs)

    const outcomes = await store.commit([{ do: 'append', message: message('b', { idem: idem('new', 1) }) }])

    assert.deepEqual(outcomes, [{ is: 'duplicate', id: fresh!.id }])
  })

  it('keeps attempts and history of a message, and brings none back that went', async ({ store, reopen }) => {
    const [a, b] = await append(store, message('a'), message('b'))
    const note = (place: Place) => ({ place, attempts: 3, history: Uint8Array.of(7) })

    await Promise.all([
      store.noteAttempts([note(a!)]),
      store.commit([{ do: 'remove', place: b! }]),
      store.noteAttempts([note(b!)])
    ])

    const found = await (await reopen()).read(TOPIC, PAGE)
    assert.deepEqual(bodies(found), ['a'])
    assert.deepEqual([found[0]!.attempts, [...found[0]!.history]], [3, [7]])
  })

  it('keeps the attempts noted last, whether with a history or without', async ({ store, reopen }) => {
    const places = await append(store, message('a'), message('b'), message('c'), message('d'))
    const [a, b, c, d] = places as [Place, Place, Place, Place]
    const note = (place: Place, attempts: number, bytes = 0) => ({
      place,
      attempts,
      history: new Uint8Array(bytes)
    })
    await store.noteAttempts(places.map(place => note(place, 1)))
    await store.noteAttempts([note(a, 2), note(b, 2), note(d, 2)])
    await store.noteAttempts([note(a, 3, 5)])
    await store.noteAttempts([note(b, 4, 5), note(c, 5)])
    await store.commit([{ do: 'bury', place: c, attempts: 6, history: NO_BYTES, reason: 'r' }])
    await store.commit([{ do: 'redrive', place: c }])

    const seen = async (from: MailboxStore) => (await from.read(TOPIC, PAGE)).map(({ attempts }) => attempts)

    assert.deepEqual(await seen(store), [3, 4, 0, 2])
    const again = await reopen()
    assert.deepEqual(await seen(again), [3, 4, 0, 2])
    assert.equal((await again.find(TOPIC, a.id))?.attempts, 3)
  })

  it('notes attempts of more messages than it holds in memory', async ({ store, reopen }) => {
    const ids: string[] = []
    for (let n = 0; n < 66; n++) {
      const places = await append(store, ...Array.from({ length: 1024 }, () => message('')))
      await store.noteAttempts(places.map(place => ({ place, attempts: 2, history: NO_BYTES })))
      ids.push(places[0]!.id, places.at(-1)!.id)
    }

    const again = await reopen()

    for (const id of ids) assert.equal((await again.find(TOPIC, id))?.attempts, 2)
  })

  it('counts the same bytes for a message whatever its history', async ({ store, reopen }) => {
    const [a] = await append(store, message('a'))
    const before = store.counts(TOPIC)
    await store.noteAttempts([{ place: a!, attempts: 1, history: new Uint8Array(1000) }])
    assert.deepEqual(store.counts(TOPIC), before)
    const again = await reopen()

    await again.commit([{ do: 'remove', place: a! }])

    assert.deepEqual(again.counts(TOPIC).ready, { messages: 0, bytes: 0 })
  })

  it('delays a message until it is promoted into its place', async ({ store }) => {
    const [late] = await append(store, message('late', { notBeforeMs: START_MS + 10 }))
    await append(store, message('now'))
    assert.deepEqual(bodies(await store.read(TOPIC, PAGE)), ['now'])
    assert.deepEqual(await store.due(START_MS + 9, 10), [])
    assert.equal(await store.nextDueMs(), START_MS + 10)

    const due = await store.due(START_MS + 10, 10)
    await store.commit([{ do: 'promote', place: due[0]!.place }])

    assert.deepEqual(due, [{ atMs: START_MS + 10, what: 'not_before', state: 'delayed', place: late }])
    assert.deepEqual(bodies(await store.read(TOPIC, PAGE)), ['late', 'now'])
    assert.deepEqual(await store.due(START_MS + 10, 10), [])
    assert.equal(await store.nextDueMs(), undefined)
  })

  it('says where a message went, by the clock and not by the time in its id', async ({ store, clock }) => {
    clock.nowMs += 1000
    await append(store, message('ahead'))
    clock.nowMs -= 1000

    const outcomes = await store.commit(
      [undefined, START_MS, START_MS + 10].map(notBeforeMs => ({
        do: 'append',
        message: message('a', { notBeforeMs })
      }))
    )

    assert.deepEqual(
      outcomes.map(({ state }) => state),
      ['ready', 'ready', 'delayed']
    )
    assert.equal(store.counts(TOPIC).delayed.messages, 1)
    assert.equal(await store.nextDueMs(), START_MS + 10)
  })

  it('names what is due behind another, and when the next is due after a time', async ({ store }) => {
    const times = [10, 10, 20, 30].map(ms => START_MS + ms)
    const places = await append(store, ...times.map(expiresAtMs => message('a', { expiresAtMs })))
    const ids = async (limit: number, after?: Due) =>
      (await store.due(START_MS + 20, limit, after)).map(({ place }) =>
        places.findIndex(({ id }) => id === place.id)
      )
    const [first, second] = await store.due(START_MS + 20, 2)
    await store.commit([{ do: 'remove', place: second!.place }])

    assert.deepEqual(await ids(9, first), [2])
    assert.deepEqual(await ids(9, second), [2])
    assert.deepEqual(await ids(1), [0])
    assert.equal(await store.nextDueMs(START_MS + 10), START_MS + 20)
    assert.equal(await store.nextDueMs(START_MS + 20), START_MS + 30)
    assert.equal(await store.nextDueMs(START_MS + 30), undefined)
  })

  it('takes a time that has passed for no delay', async ({ store }) => {
    await append(store, message('a', { notBeforeMs: START_MS }))

    assert.deepEqual(bodies(await store.read(TOPIC, PAGE)), ['a'])
    assert.deepEqual(await store.due(START_MS + 10, 10), [])
  })

  it('postpones a message, with its attempts, and gives it its place back', async ({ store }) => {
    const [a] = await append(store, message('a', { expiresAtMs: START_MS + 99 }), message('b'))
    const place = a!

    const notBeforeMs = START_MS + 10
    await store.commit([{ do: 'postpone', place, notBeforeMs, attempts: 2, history: Uint8Array.of(1) }])

    assert.deepEqual(bodies(await store.read(TOPIC, PAGE)), ['b'])
    const due = await store.due(START_MS + 99, 10)
    assert.deepEqual(
      due.map(({ what, state }) => [what, state]),
      [
        ['not_before', 'delayed'],
        ['expires', 'delayed']
      ]
    )
    await store.commit([{ do: 'promote', place }])
    const found = await store.read(TOPIC, PAGE)
    assert.deepEqual(bodies(found), ['a', 'b'])
    assert.equal(found[0]!.attempts, 2)
    assert.deepEqual(
      (await store.due(START_MS + 99, 10)).map(({ what, state }) => [what, state]),
      [['expires', 'ready']]
    )
  })

  it('names what has expired, until it is removed', async ({ store }) => {
    const [a] = await append(store, message('a', { expiresAtMs: START_MS + 5 }))
    assert.deepEqual(await store.due(START_MS + 4, 10), [])

    const due = await store.due(START_MS + 5, 10)
    await store.commit([{ do: 'remove', place: a! }])

    assert.deepEqual(due, [{ atMs: START_MS + 5, what: 'expires', state: 'ready', place: a }])
    assert.deepEqual(await store.due(START_MS + 5, 10), [])
  })

  it('finds a ready or delayed message by its id, in its topic alone', async ({ store }) => {
    const [a, b] = await append(
      store,
      message('a', { priority: 2 }),
      message('b', { notBeforeMs: START_MS + 9 })
    )

    const [ready, delayed] = [await store.find(TOPIC, a!.id), await store.find(TOPIC, b!.id)]

    assert.deepEqual([ready?.state, ready?.priority, delayed?.state], ['ready', 2, 'delayed'])
    assert.equal(await store.find({ ...TOPIC, tenant: 'rome' }, a!.id), undefined)
  })

  it('finds a message by its id while it moves', async ({ store }) => {
    const [a] = await append(store, message('a', { notBeforeMs: START_MS + 9, priority: 7 }))

    const promoting = store.commit([{ do: 'promote', place: a! }])
    const during = await store.find(TOPIC, a!.id)
    await promoting
    const after = await store.find(TOPIC, a!.id)

    assert.equal(during?.id, a!.id)
    assert.deepEqual([after?.state, after?.priority], ['ready', 7])
  })

  it('buries a message with its reason and history, and redrives it into its place', async given => {
    const { store, clock } = given
    const [a] = await append(store, message('a', { expiresAtMs: START_MS + 5, priority: 4 }), message('b'))
    clock.nowMs += 3
    const place = a!
    const history = Uint8Array.of(9)

    const expiresAtMs = START_MS + 50
    await store.commit([{ do: 'bury', place, attempts: 5, history, reason: 'worn out', expiresAtMs }])

    assert.deepEqual(bodies(await store.read(TOPIC, PAGE)), ['b'])
    const [dead] = await store.deadLetters(TOPIC, PAGE)
    assert.deepEqual(
      [dead?.reason, dead?.attempts, [...dead!.history], dead?.diedAtMs, dead?.priority, dead?.id],
      ['worn out', 5, [9], START_MS + 3, 4, place.id]
    )
    assert.deepEqual(
      (await store.due(START_MS + 50, 10)).map(({ atMs, state }) => [atMs, state]),
      [[START_MS + 50, 'dead']]
    )
    await store.commit([{ do: 'redrive', place }])
    const found = await store.read(TOPIC, PAGE)
    assert.deepEqual(bodies(found), ['a', 'b'])
    assert.deepEqual([found[0]!.attempts, [...found[0]!.history]], [0, [9]])
    assert.deepEqual([await store.deadLetters(TOPIC, PAGE), await store.due(START_MS + 50, 10)], [[], []])
  })

  it('discards a dead letter', async ({ store }) => {
    const [a] = await append(store, message('a'))
    const place = a!
    await store.commit([{ do: 'bury', place, attempts: 1, history: NO_BYTES, reason: 'r' }])

    const outcomes = await store.commit([
      { do: 'discard', place },
      { do: 'discard', place },
      { do: 'redrive', place }
    ])

    assert.deepEqual(
      outcomes.map(({ is }) => is),
      ['done', 'absent', 'absent']
    )
    assert.deepEqual(await store.deadLetters(TOPIC, PAGE), [])
  })

  it('changes nothing for a message that is not in the state it should leave', async ({ store }) => {
    const [a] = await append(store, message('a'))
    const place = a!
    const before = store.counts(TOPIC)

    const outcomes = await store.commit([
      { do: 'promote', place },
      { do: 'redrive', place },
      { do: 'discard', place },
      { do: 'remove', place: { ...place, topic: 'other' } },
      { do: 'remove', place: { ...place, priority: 5 } }
    ])

    assert.deepEqual(
      outcomes.map(({ is }) => is),
      Array(5).fill('absent')
    )
    assert.deepEqual(store.counts(TOPIC), before)
  })

  it('counts by topic, state and priority, and by tenant, also after it was opened again', async given => {
    const { reopen } = given
    let { store } = given
    const places = await append(
      store,
      message('a', { priority: 9 }),
      message('b', { priority: 9 }),
      message('c', { notBeforeMs: START_MS + 9 }),
      message('d', { topic: 'other' }),
      message('e')
    )
    await store.commit([
      { do: 'bury', place: places[4]!, attempts: 1, history: NO_BYTES, reason: 'r' },
      { do: 'remove', place: places[0]! }
    ])

    for (const _ of [1, 2]) {
      const counts = store.counts(TOPIC)
      assert.deepEqual(counts.byPriority, [0, 0, 0, 0, 0, 0, 0, 0, 0, 1])
      assert.deepEqual([counts.ready.messages, counts.delayed.messages, counts.dead.messages], [1, 1, 1])
      const bytes = await store.read(TOPIC, PAGE)
      assert.equal(counts.ready.bytes, bytes[0]!.bytes)
      const tenant = store.tenantCounts('paris')
      assert.deepEqual([tenant.ready.messages, tenant.delayed.messages, tenant.dead.messages], [2, 1, 1])
      assert.equal(store.tenantCounts('rome').ready.messages, 0)
      store = await reopen()
    }
  })

  it('takes away but once what is read while that is under way', async ({ store }) => {
    const places = await append(store, message('a'), message('b'), message('c'))
    const remove = places.slice(0, 2).map((place): Change => ({ do: 'remove', place }))

    const first = store.commit(remove)
    const seen = await store.read(TOPIC, PAGE)
    await first
    const again = await store.commit(remove)

    assert.deepEqual(bodies(seen), ['c'])
    assert.deepEqual(
      again.map(({ is }) => is),
      ['absent', 'absent']
    )
    assert.equal(store.counts(TOPIC).ready.messages, 1)
  })

  it('shows no dead letter that is being taken away', async ({ store }) => {
    const [place] = await append(store, message('a'))
    await store.commit([{ do: 'bury', place: place!, attempts: 1, history: NO_BYTES, reason: 'r' }])

    const under = store.commit([{ do: 'discard', place: place! }])

    assert.deepEqual(await store.deadLetters(TOPIC, PAGE), [])
    await under
  })

  it('reads what comes back while it is read as it will be, not as it was', async ({ store }) => {
    const [a] = await append(store, message('a', { expiresAtMs: START_MS + 5 }))
    const place = a!
    const there = store.commit([
      { do: 'bury', place, attempts: 1, history: NO_BYTES, reason: 'r' },
      { do: 'redrive', place, expiresAtMs: START_MS + 7 }
    ])

    const seen = await store.read(TOPIC, PAGE)
    await there
    await store.commit([{ do: 'remove', place }])

    assert.equal(seen.length, 1)
    assert.deepEqual(await store.due(START_MS + 9, 10), [])
  })

  it('refuses a commit that does not fit its bounds, whatever else is under way', async ({ store }) => {
    const bounds = { depth: 2, tenantBytes: 5000 }
    const send = (body: string, more: Partial<NewMessage> = {}): Change => ({
      do: 'append',
      message: message(body, { bounds, ...more })
    })

    const all = await Promise.all([
      store.commit([send('a', { idem: idem('k', 1) })]),
      store.commit([send('b'), send('c')]),
      store.commit([send('d', { notBeforeMs: START_MS + 9 })]),
      store.commit([send('e')]),
      store.commit([send('a', { idem: idem('k', 1) })]),
      store.commit([send('f'.repeat(5000), { topic: 'other' })])
    ])

    assert.deepEqual(
      all.map(outcomes => outcomes.map(({ is, of }) => (of === undefined ? is : `${is} ${of}`))),
      [['done'], ['refused', 'full topic'], ['done'], ['full topic'], ['duplicate'], ['full tenant']]
    )
    assert.deepEqual(bodies(await store.read(TOPIC, PAGE)), ['a'])
  })

  it('leaves out of a commit what may be left out, where it does not fit', async ({ store }) => {
    const [place] = await append(store, message('a'))
    const bounds = { depth: 2, tenantBytes: 5000, isOptional: true }
    const add = (body: string): Change => ({ do: 'append', message: message(body, { bounds }) })

    const outcomes = await store.commit([
      add('b'),
      add('c'),
      { do: 'remove', place: place! },
      add('d'),
      add('e')
    ])
    const alone = await store.commit([add('f')])

    assert.deepEqual(
      [...outcomes, ...alone].map(({ is }) => is),
      ['done', 'full', 'done', 'done', 'full', 'full']
    )
    assert.deepEqual(bodies(await store.read(TOPIC, PAGE)), ['b', 'd'])
  })

  it('counts a commit from the moment it was asked for', async ({ store }) => {
    const under = store.commit([{ do: 'append', message: message('a') }])

    assert.deepEqual([store.counts(TOPIC).ready.messages, store.waiting.messages], [1, 1])
    await under
    assert.deepEqual(store.waiting, { messages: 0, bytes: 0 })
  })

  it('lists topics with messages by name, page by page', async given => {
    const { reopen } = given
    let { store } = given
    const topics = ['a', 'b', 'c', 'd']
    for (const topic of topics) await append(store, message('x', { topic }))
    await append(store, message('x', { tenant: 'rome', topic: 'a' }))
    store = await reopen()
    const [e] = await append(store, message('x', { topic: 'bb' }))
    const [b] = await store.read({ ...TOPIC, topic: 'b' }, PAGE)
    await store.commit([{ do: 'remove', place: b! }])

    const first = await store.topics({ limit: 3 })
    const rest = await store.topics({ limit: 100, after: first.at(-1) })
    const paris = await store.topics({ tenant: 'paris', limit: 100 })

    const names = [...first, ...rest].map(({ tenant, topic }) => `${tenant} ${topic}`)
    assert.deepEqual(names, ['paris a', 'paris bb', 'paris c', 'paris d', 'rome a'])
    assert.deepEqual(
      paris.map(({ topic }) => topic),
      ['a', 'bb', 'c', 'd']
    )
    assert.equal(first[1]!.ready.bytes, (await store.find(e!, e!.id))!.bytes)
  })

  it('purges one state of one topic, in steps', async ({ store }) => {
    for (let i = 0; i < 3; i++)
      await store.commit(
        Array.from({ length: 400 }, (_, n) => ({ do: 'append', message: message(String(n)) }))
      )
    await append(store, message('kept', { topic: 'other' }), message('kept', { notBeforeMs: START_MS + 9 }))
    const heard: number[] = []

    const gone = await store.purge(TOPIC, 'ready', { progress: number => heard.push(number) })

    assert.deepEqual([gone, heard.length > 1, heard.at(-1)], [1200, true, 1200])
    assert.deepEqual(await store.read(TOPIC, PAGE), [])
    assert.deepEqual(
      [store.counts(TOPIC).ready, store.counts(TOPIC).delayed.messages],
      [{ messages: 0, bytes: 0 }, 1]
    )
    assert.deepEqual(bodies(await store.read({ ...TOPIC, topic: 'other' }, PAGE)), ['kept'])
  })

  it('stops a purge when it is told to', async ({ store }) => {
    await append(store, message('a'))

    await assert.rejects(
      store.purge(TOPIC, 'ready', { signal: AbortSignal.abort(new Error('enough')) }),
      /enough/
    )

    assert.deepEqual(bodies(await store.read(TOPIC, PAGE)), ['a'])
  })

  for (const [what, change] of Object.entries(IMPOSSIBLE))
    it(`refuses ${what}, and what came with it`, async ({ store }) => {
      await assert.rejects(store.commit([{ do: 'append', message: message('a') }, change]), RangeError)

      assert.deepEqual(await store.read(TOPIC, PAGE), [])
      await append(store, message('b'))
    })

  it('refuses readings without bound', async ({ store }) => {
    for (const limit of [0, -1, 1025, Number.NaN, 1.5]) {
      await assert.rejects(store.read(TOPIC, { limit }), RangeError)
      await assert.rejects(store.due(START_MS, limit), RangeError)
      await assert.rejects(store.topics({ limit }), RangeError)
    }
  })

  it('answers saturated when too much waits, and goes on', async ({ store }) => {
    const body = new Uint8Array(983_040)
    const commits = Array.from({ length: 80 }, () =>
      store.commit([{ do: 'append', message: { ...message(''), body } }])
    )

    const results = await Promise.allSettled(commits)

    const refused = results.filter(({ status }) => status === 'rejected') as PromiseRejectedResult[]
    assert.ok(refused.length > 0 && refused.length < 40, `${refused.length} were refused`)
    assert.ok(refused.every(({ reason }) => (reason as { code: string }).code === 'saturated'))
    assert.equal(store.counts(TOPIC).ready.messages, 80 - refused.length)
    await append(store, message('after'))
  })
}

interface Given extends Subject {
  readonly clock: { nowMs: number }
}

const IMPOSSIBLE: Readonly<Record<string, Change>> = {
  'a priority beyond 9': { do: 'append', message: message('', { priority: 10 }) },
  'a broken priority': { do: 'append', message: message('', { priority: 0.5 }) },
  'a topic without a name': { do: 'append', message: message('', { topic: '' }) },
  'a topic with U+0000': { do: 'append', message: message('', { topic: 'a\0b' }) },
  'a topic beyond ASCII': { do: 'append', message: message('', { topic: 'é' }) },
  'a tenant of 256 bytes': { do: 'append', message: message('', { tenant: 't'.repeat(256) }) },
  'meta of 64 KiB': { do: 'append', message: message('', { meta: new Uint8Array(65_536) }) },
  'a body of 983,041 bytes': { do: 'append', message: { ...message(''), body: new Uint8Array(983_041) } },
  'a time before 1970': { do: 'append', message: message('', { expiresAtMs: -1 }) },
  'a time that is none': { do: 'append', message: message('', { notBeforeMs: Number.NaN }) },
  'an empty idempotency key': { do: 'append', message: message('', { idem: idem('', 1) }) },
  'an idempotency key of 256 bytes': {
    do: 'append',
    message: message('', { idem: idem('ü'.repeat(128), 1) })
  },
  'a note without a name': { do: 'note', note: note('', 'x') },
  'a note of 64 KiB': { do: 'note', note: { name: 'n', value: new Uint8Array(65_536) } },
  'a short hash': { do: 'append', message: message('', { idem: { key: 'k', hash: new Uint8Array(31) } }) }
}

export function message(body: string, more: Partial<NewMessage> = {}): NewMessage {
  return { ...TOPIC, priority: 0, meta: NO_BYTES, body: Buffer.from(body), ...more }
}

export function note(name: string, value: string): Note {
  return { name, value: Buffer.from(value) }
}

export function idem(key: string, hash: number) {
  return { key, hash: new Uint8Array(32).fill(hash) }
}

/** Where the messages went. */
export async function append(store: MailboxStore, ...messages: readonly NewMessage[]): Promise<Place[]> {
  const outcomes = await store.commit(messages.map(one => ({ do: 'append', message: one })))
  return outcomes.map(({ is, id }, i) => {
    assert.equal(is, 'done')
    const { tenant, topic, priority } = messages[i]!
    return { tenant, topic, priority, id: id! }
  })
}

export const bodies = (messages: readonly StoredMessage[]): string[] =>
  messages.map(({ body }) => Buffer.from(body).toString())

function plain({ meta, body, history, bytes, ...rest }: StoredMessage) {
  assert.ok(bytes > body.length)
  return { ...rest, meta: [...meta], history: [...history], body: Buffer.from(body).toString() }
}
