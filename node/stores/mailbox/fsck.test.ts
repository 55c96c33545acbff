import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import type { Level } from '../level.ts'
import { fsckMailbox } from './fsck.ts'
import type { FsckReport, ProblemKind } from './fsck.ts'
import { NO_MARK } from './batch-mark.ts'
import { generationOf } from './idem-generations.ts'
import { batchKey } from './journal.ts'
import { KIND, allOf, idemKey, messageKey, nameOf, row, timerKey } from './keys.ts'
import { NOW_MS, rowsInMemory } from './level-rows.fixture.ts'
import { sealedJson } from './seal.ts'
import { WINDOW_MS, append, idem, message } from './store.suite.ts'
import type { LevelMailboxStore } from './mailbox-store.ts'
import type { Place, State } from './types.ts'

const TOPIC = { tenant: 'paris', topic: 'orders/new' }
const NAME = nameOf(TOPIC)
const BY_TOPIC = 'topic orders/new of tenant paris'
const BY_TENANT = 'tenant paris'
const LATER_MS = NOW_MS + 60_000

interface Given {
  readonly level: Level
  readonly open: () => Promise<LevelMailboxStore>
  readonly ready: Place
  readonly delayed: Place
  readonly dead: Place
}

type Break = (given: Given) => Promise<unknown>
type Expected = (given: Given) => readonly (readonly [ProblemKind, string])[]

const readyKey = ({ ready }: Given): string => keyOf('ready', ready)
const IDEM_KEY = idemKey(generationOf(NOW_MS, WINDOW_MS), NAME, 'k')
const countsKey = row(KIND.topicCounts, NAME)
const EXPIRY = ({ ready }: Given): string => timerKey(LATER_MS, 'expires', 'ready', ready, NAME)

/** What is done to the rows of a store that was closed, and all that fsck says of it. */
const BREAKS: Readonly<Record<string, readonly [Break, Expected]>> = {
  'a message that is gone': [
    async given => {
      await given.level.del(readyKey(given))
      await given.level.del(EXPIRY(given))
    },
    () => [
      ['wrong_count', BY_TOPIC],
      ['wrong_count', BY_TENANT]
    ]
  ],
  'a dead letter that is gone': [
    ({ level, dead }) => level.del(keyOf('dead', dead)),
    ({ dead }) => [
      ['wrong_count', BY_TOPIC],
      ['wrong_count', BY_TENANT],
      ['stray_time', timerKey(LATER_MS, 'expires', 'dead', { ...dead, priority: 0 }, NAME)]
    ]
  ],
  'all messages of a tenant gone, and the counts of its topic with them': [
    async ({ level }) => {
      for (const kind of [KIND.ready, KIND.delayed, KIND.dead, KIND.timer]) await level.clear(allOf(kind))
      await level.del(countsKey)
    },
    () => [['wrong_count', BY_TENANT]]
  ],
  'all messages of a topic gone': [
    async ({ level }) => {
      for (const kind of [KIND.ready, KIND.delayed, KIND.dead, KIND.timer]) await level.clear(allOf(kind))
    },
    () => [
      ['wrong_count', BY_TOPIC],
      ['wrong_count', BY_TENANT]
    ]
  ],
  'a tenant with a wrong sum': [
    ({ level }) => {
      const key = row(KIND.tenantCounts, TOPIC.tenant)
      return level.put(
        key,
        sealedJson(
          key,
          Array.from({ length: 15 }, () => 1)
        )
      )
    },
    () => [['wrong_count', BY_TENANT]]
  ],
  'counts that decayed': [
    ({ level }) => flip(level, countsKey),
    () => [
      ['wrong_count', BY_TOPIC],
      ['damaged_row', countsKey]
    ]
  ],
  'a message that decayed': [
    given => flip(given.level, readyKey(given)),
    given => [
      ['damaged_row', readyKey(given)],
      ['wrong_count', BY_TOPIC],
      ['wrong_count', BY_TENANT]
    ]
  ],
  'a key that is none of a message': [
    ({ level }) => level.put(row(KIND.ready, 'no place'), Buffer.from('x')),
    () => [['damaged_row', row(KIND.ready, 'no place')]]
  ],
  'a key that is none of a time': [
    ({ level }) => level.put(row(KIND.timer, 'no time'), sealedJson(row(KIND.timer, 'no time'), {})),
    () => [['damaged_row', row(KIND.timer, 'no time')]]
  ],
  'an idempotency key that decayed': [
    ({ level }) => flip(level, IDEM_KEY),
    () => [['damaged_row', IDEM_KEY]]
  ],
  'a checkpoint that is gone': [
    ({ level }) => level.del(row(KIND.checkpoint)),
    // The rows of batches then count twice.
    () => [
      ['damaged_row', row(KIND.checkpoint)],
      ['wrong_count', BY_TOPIC],
      ['wrong_count', BY_TENANT]
    ]
  ],
  'a message that was set aside': [
    async given => {
      await flip(given.level, readyKey(given))
      const store = await given.open()
      await store.read(TOPIC, { limit: 10 })
      await store[Symbol.asyncDispose]()
    },
    given => [
      ['stray_time', EXPIRY(given)],
      ['set_aside', readyKey(given)]
    ]
  ],
  'an expiry that is gone': [
    given => given.level.del(EXPIRY(given)),
    given => [['missing_time', readyKey(given)]]
  ],
  'the time of a delayed message gone': [
    ({ level, delayed }) => level.del(timerKey(LATER_MS, 'not_before', 'delayed', delayed, NAME)),
    ({ delayed }) => [['missing_time', keyOf('delayed', delayed)]]
  ],
  'the time of a message that is not there': [
    ({ level, ready }) => {
      const key = timerKey(LATER_MS, 'not_before', 'delayed', ready, NAME)
      return level.put(key, sealedJson(key, {}))
    },
    ({ ready }) => [['stray_time', timerKey(LATER_MS, 'not_before', 'delayed', ready, NAME)]]
  ],
  'a row of no known kind': [
    ({ level }) => level.put('!mailbox!zebra', Buffer.from('x')),
    () => [['unknown_row', '!mailbox!zebra']]
  ]
}

test('finds nothing wrong with messages of all states, kept open, closed or opened again', async t => {
  const { level, open } = await given(t, false)
  const counts = { ready: 1, delayed: 1, dead: 1 }

  const asKilled = await fsckMailbox(level, { lastDurable: 2 })
  await (await open())[Symbol.asyncDispose]()
  const asClosed = await fsckMailbox(level, { lastDurable: 2 })

  for (const report of [asKilled, asClosed]) {
    assert.deepEqual([report.problems, report.found, report.messages], [[], 0, counts])
    assert.equal(report.lastBatch, 2)
  }
})

for (const [what, [breakIt, expected]] of Object.entries(BREAKS))
  test(`finds ${what}, and nothing else`, async t => {
    const all = await given(t)
    await breakIt(all)

    const report = await fsckMailbox(all.level)

    assert.deepEqual(named(report), expected(all))
    assert.equal(report.found, report.problems.length)
  })

test('says how many messages are missing in each state', async t => {
  const all = await given(t)
  await all.level.del(keyOf('dead', all.dead))
  await all.level.del(timerKey(LATER_MS, 'expires', 'dead', { ...all.dead, priority: 0 }, NAME))

  const { problems } = await fsckMailbox(all.level)

  for (const { detail } of problems)
    assert.match(detail, /^against the counts, ready 0, delayed 0, dead -1 messages; bytes 0, 0, -\d+$/)
})

test('names batches missing in the middle and at the end, and those that an opening found missing', async t => {
  const { level, open } = await rowsInMemory(t)
  const store = await open()
  const places: Place[] = []
  for (let i = 0; i < 6; i++) places.push(...(await append(store, message(String(i)))))
  for (const number of [2, 3, 6])
    await level.batch([
      { type: 'del', key: batchKey(number) },
      { type: 'del', key: keyOf('ready', places[number - 1]!) }
    ])
  const missing = [
    ['missing_batches', 'batches 2 to 3'],
    ['missing_batches', 'batch 6']
  ]

  const before = await fsckMailbox(level, { lastDurable: 6 })
  await (await open({ mark: { ...NO_MARK, last: 6 } }))[Symbol.asyncDispose]()
  const after = await fsckMailbox(level, { lastDurable: 6 })

  assert.deepEqual([named(before), named(after)], [missing, missing])
  assert.deepEqual(
    before.problems.map(({ detail }) => detail),
    ['they were durable', 'they were durable']
  )
  assert.ok(
    after.problems.every(({ detail }) => detail === `found missing at ${new Date(NOW_MS).toISOString()}`)
  )
})

test('names all batches of a mailbox that is empty where the mark knows of some', async t => {
  const { level } = await rowsInMemory(t)

  assert.deepEqual(named(await fsckMailbox(level, { lastDurable: 12 })), [
    ['missing_batches', 'batches 1 to 12'],
    ['damaged_row', row(KIND.checkpoint)]
  ])
  assert.deepEqual(named(await fsckMailbox(level)), [])
})

test('names the row of a batch that decayed, whose counts nobody knows then', async t => {
  const { level } = await given(t, false)
  await flip(level, batchKey(1))

  assert.deepEqual(named(await fsckMailbox(level)), [
    ['damaged_row', batchKey(1)],
    ['wrong_count', BY_TOPIC],
    ['wrong_count', BY_TENANT]
  ])
})

test('names the first 1,000 problems and counts all', async t => {
  const { level } = await given(t)
  await level.batch(
    Array.from({ length: 1500 }, (_, i) => ({ type: 'put', key: `!mailbox!z${i}`, value: Buffer.from('x') }))
  )

  const { problems, found } = await fsckMailbox(level)

  assert.deepEqual([problems.length, found], [1000, 1500])
})

/** A ready, a delayed and a dead message, and a store that was closed unless it is to be as a killed process leaves it. */
async function given(t: TestContext, isClosed = true): Promise<Given> {
  const { level, open } = await rowsInMemory(t)
  const store = await open()
  const [ready, delayed, dying] = await append(
    store,
    message('ready', { expiresAtMs: LATER_MS, idem: idem('k', 1), priority: 3 }),
    message('delayed', { notBeforeMs: LATER_MS }),
    message('dead', { priority: 5 })
  )
  await store.commit([
    {
      do: 'bury',
      place: dying!,
      attempts: 1,
      history: new Uint8Array(),
      reason: 'tired',
      expiresAtMs: LATER_MS
    }
  ])
  if (isClosed) await store[Symbol.asyncDispose]()
  return { level, open, ready: ready!, delayed: delayed!, dead: dying! }
}

const named = ({ problems }: FsckReport) => problems.map(({ kind, subject }) => [kind, subject])

const keyOf = (state: State, place: Place): string =>
  messageKey(state, nameOf(place), place.priority, place.id)

async function flip(level: Level, key: string): Promise<void> {
  const bytes = Uint8Array.from((await level.get(key))!)
  bytes[bytes.length - 1]! ^= 1
  await level.put(key, bytes)
}
