import assert from 'node:assert/strict'
import { cpSync, readFileSync, readdirSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import type { Level } from '../level.ts'
import { NO_MARK } from './batch-mark.ts'
import { batchKey } from './journal.ts'
import { KIND, allOf, messageKey, nameOf, row } from './keys.ts'
import { openFolder, rowsInMemory, scratch } from './level-rows.fixture.ts'
import { append, bodies, message } from './store.suite.ts'
import type { MailboxStore, Place } from './types.ts'

const TOPIC = { tenant: 'paris', topic: 'orders/new' }
const PAGE = { limit: 100 }

test('each durable commit takes the next number, and opening reads those since the last checkpoint', async t => {
  const { open } = await rowsInMemory(t)
  const first = await open()
  await append(first, message('a'))
  await append(first, message('b'))
  await first.noteAttempts([])

  const again = await open()

  assert.deepEqual(again.opened, { lastBatch: 2, replayed: 2, missing: [], recounted: 0 })
  assert.equal(again.counts(TOPIC).ready.messages, 2)
})

test('a store that was closed leaves nothing to read again', async t => {
  const { open } = await rowsInMemory(t)
  const first = await open()
  await append(first, message('a'))
  await first[Symbol.asyncDispose]()

  const again = await open()

  assert.deepEqual(again.opened, { lastBatch: 1, replayed: 0, missing: [], recounted: 0 })
  assert.equal(again.counts(TOPIC).ready.messages, 1)
})

test('what opening reads does not grow with what is stored', async t => {
  const { open } = await rowsInMemory(t)
  const store = await open()
  for (let i = 0; i < 600; i++) await append(store, message('x'), message('y'))

  const again = await open()

  assert.ok(again.opened.replayed <= 256, `${again.opened.replayed} were read`)
  assert.equal(again.counts(TOPIC).ready.messages, 1200)
})

test('a batch missing in the middle is named, and everything counted anew', async t => {
  const { open, level } = await rowsInMemory(t)
  const places = await fill(await open(), 9)
  await lose(level, 3, places[2]!)
  await lose(level, 4, places[3]!)
  await lose(level, 7, places[6]!)

  const again = await open()

  assert.deepEqual(again.opened.missing, [
    { from: 3, to: 4 },
    { from: 7, to: 7 }
  ])
  assert.deepEqual([again.opened.recounted, again.counts(TOPIC).ready.messages], [6, 6])
  assert.deepEqual((await open()).opened, { lastBatch: 9, replayed: 0, missing: [], recounted: 0 })
})

test('a batch missing from before the last checkpoint is named', async t => {
  const { open, level } = await rowsInMemory(t)
  const places = await fill(await open(), 300)
  await lose(level, 20, places[19]!)

  const again = await open()

  assert.deepEqual(again.opened.missing, [{ from: 20, to: 20 }])
  assert.equal(again.counts(TOPIC).ready.messages, 299)
})

test('all batches missing up to the last checkpoint are named', async t => {
  const { open, level } = await rowsInMemory(t)
  await fill(await open(), 256)
  await level.clear({ gte: batchKey(250), lt: batchKey(257) })

  assert.deepEqual((await open()).opened.missing, [{ from: 250, to: 256 }])
})

test('batches missing at the end are named by the mark, and their numbers are not given again', async t => {
  const { open, level } = await rowsInMemory(t)
  const places = await fill(await open(), 5)
  await lose(level, 4, places[3]!)
  await lose(level, 5, places[4]!)
  const mark = { ...NO_MARK, last: 5 }

  const again = await open({ mark })
  await append(again, message('after'))

  assert.deepEqual(again.opened.missing, [{ from: 4, to: 5 }])
  assert.deepEqual((await open({ mark })).opened, { lastBatch: 6, replayed: 1, missing: [], recounted: 0 })
})

test('a store that is empty where the mark knows of batches has lost them all', async t => {
  const { open } = await rowsInMemory(t)

  const store = await open({ mark: { ...NO_MARK, last: 12 } })

  assert.deepEqual(store.opened.missing, [{ from: 1, to: 12 }])
})

test('a mark that cannot be read is told', async t => {
  const { open, corrupt } = await rowsInMemory(t)

  await open({ mark: { ...NO_MARK, isDamaged: true } })

  assert.deepEqual(
    corrupt.map(({ key }) => key),
    ['mark']
  )
})

for (const kind of ['checkpoint', 'batch'] as const)
  test(`counts are taken anew when the row of a ${kind} is damaged`, async t => {
    const { open, level, corrupt } = await rowsInMemory(t)
    const store = await open()
    await fill(store, 300)
    await flip(level, kind === 'batch' ? batchKey(299) : row(KIND.checkpoint))

    const again = await open()

    assert.equal(corrupt.length, 1)
    assert.deepEqual([again.opened.recounted, again.counts(TOPIC).ready.messages], [300, 300])
    assert.deepEqual((await open()).opened.recounted, 0)
  })

test('counts are taken anew when a recount was cut short', async t => {
  const { open, level } = await rowsInMemory(t)
  const first = await open()
  await fill(first, 3)
  await first[Symbol.asyncDispose]()
  await level.del(row(KIND.checkpoint))

  const again = await open()

  assert.deepEqual([again.opened.recounted, again.counts(TOPIC).ready.messages], [3, 3])
})

test('a damaged message is set aside with its bytes, told and counted, and the rest is delivered', async t => {
  const { open, level, corrupt } = await rowsInMemory(t)
  const store = await open()
  const places = await fill(store, 3)
  const key = keyOf(places[1]!)
  await flip(level, key)
  const bytes = await level.get(key)
  const again = await open()

  assert.deepEqual(bodies(await again.read(TOPIC, PAGE)), ['0', '2'])

  assert.deepEqual(corrupt, [{ key, detail: 'the checksum is wrong' }])
  await again.commit([{ do: 'remove', place: places[0]! }])
  assert.equal(again.counts(TOPIC).ready.messages, 1)
  assert.equal(await level.get(key), undefined)
  const [[, aside]] = (await level.iterator(allOf(KIND.setAside)).all()) as [[string, Uint8Array]]
  assert.deepEqual(aside, bytes)
})

test('a damaged message cannot be removed or moved, but is set aside', async t => {
  const { open, level, corrupt } = await rowsInMemory(t)
  const [a, b] = await fill(await open(), 2)
  for (const place of [a!, b!]) await flip(level, keyOf(place))
  const again = await open()

  const outcomes = await again.commit([
    { do: 'remove', place: a! },
    { do: 'bury', place: b!, attempts: 1, history: new Uint8Array(), reason: 'r' }
  ])

  assert.deepEqual(outcomes, [{ is: 'absent' }, { is: 'absent' }])
  assert.equal(corrupt.length, 2)
  assert.equal(again.counts(TOPIC).ready.messages, 0)
})

test('a damaged idempotency key is told, and the message stored', async t => {
  const { open, level, corrupt } = await rowsInMemory(t)
  const keyed = message('a', { idem: { key: 'k', hash: new Uint8Array(32) } })
  await append(await open(), keyed)
  const [key] = await level.keys(allOf(KIND.idem)).all()
  await flip(level, key!)

  await append(await open(), keyed)

  assert.deepEqual(
    corrupt.map(row => row.key),
    [key]
  )
})

test('a record under the key of another is not taken for it', async t => {
  const { open, level, corrupt } = await rowsInMemory(t)
  const [a, b] = await fill(await open(), 2)
  await level.put(keyOf(a!), (await level.get(keyOf(b!)))!)

  assert.deepEqual(bodies(await (await open()).read(TOPIC, PAGE)), ['1'])
  assert.equal(corrupt.length, 1)
})

test('a commit fails when its write does, and every later one with it', async t => {
  const { open, level } = await rowsInMemory(t)
  const store = await open()
  const batch = level.batch.bind(level)
  level.batch = (() => Promise.reject(new Error('no space left on device'))) as unknown as Level['batch']

  const failed = await Promise.allSettled([append(store, message('a')), append(store, message('b'))])
  level.batch = batch

  assert.deepEqual(
    failed.map(({ status }) => status),
    ['rejected', 'rejected']
  )
  await assert.rejects(append(store, message('c')), /no space left/)
  await assert.rejects(store.noteAttempts([]), /no space left/)
  await store[Symbol.asyncDispose]()
  assert.deepEqual(await (await open()).read(TOPIC, PAGE), [])
})

test('a store whose rows were closed under it ends all the same', async t => {
  const { open, level } = await rowsInMemory(t)
  const store = await open()
  await append(store, message('a'))
  await level.close()

  await store[Symbol.asyncDispose]()

  await assert.rejects(append(store, message('b')), /not open/)
})

test('a mark is closed when the store cannot be opened', async t => {
  const { open, level } = await rowsInMemory(t)
  await level.put(row(KIND.format), Uint8Array.of(1))
  let closed = 0

  await assert.rejects(open({ mark: { ...NO_MARK, close: async () => void closed++ } }), /damaged/)

  assert.equal(closed, 1)
})

test('commits of one turn share a write, those under way the next; and each is synced', async t => {
  const { open, level } = await rowsInMemory(t)
  const store = await open()
  const writes: unknown[] = []
  const batch = level.batch.bind(level) as (...args: unknown[]) => Promise<void>
  level.batch = ((operations: unknown[], options: unknown) => {
    writes.push([operations.length, options])
    return batch(operations, options)
  }) as unknown as Level['batch']

  await Promise.all([append(store, message('a')), append(store, message('b'))])
  const third = append(store, message('c'))
  await new Promise(resolve => setImmediate(resolve))
  await Promise.all([third, append(store, message('d')), append(store, message('e'))])

  assert.deepEqual(writes, [
    [3, { sync: true }],
    [2, { sync: true }],
    [3, { sync: true }]
  ])
})

test('a mailbox of a newer format is refused, an older one is migrated once', async t => {
  const { open } = await rowsInMemory(t)
  let runs = 0
  const migrations = [async () => void runs++]
  await open()

  await open({ migrations })
  await open({ migrations })

  assert.equal(runs, 1)
  await assert.rejects(open(), /the mailbox has format 2, this version reads up to 1/)
})

for (const damage of ['missing', 'unreadable'])
  test(`a mailbox whose format is ${damage} is not opened`, async t => {
    const { open, level } = await rowsInMemory(t)
    await append(await open(), message('a'))
    if (damage === 'missing') await level.del(row(KIND.format))
    else await flip(level, row(KIND.format))

    await assert.rejects(open(), /the mailbox is damaged: its format/)
  })

test('after kill -9 a folder opens with all that was acknowledged', async t => {
  const folder = scratch(t)
  const first = await openFolder(folder)
  await fill(first.store, 20)
  await first.close()

  const again = await openFolder(folder)

  assert.deepEqual(again.store.opened, { lastBatch: 20, replayed: 20, missing: [], recounted: 0 })
  assert.equal((await again.store.read(TOPIC, PAGE)).length, 20)
  await again.close()
})

test('bits flipped anywhere in the log of LevelDB lose nothing in silence', async t => {
  const folder = scratch(t)
  const first = await openFolder(folder)
  await fill(first.store, 200, 'x'.repeat(500))
  await first.close()
  const log = logOf(folder)
  const whole = readFileSync(join(folder, log))
  for (const part of [0.1, 0.5, 0.9]) {
    const bytes = Buffer.from(whole)
    const at = Math.floor(bytes.length * part)
    bytes[at] = bytes[at]! ^ 1
    await namesWhatIsLost(t, folder, log, bytes, 200)
  }
})

test('a bit flipped near the start of a long log loses nothing in silence, whatever was checkpointed since', async t => {
  const folder = scratch(t)
  const first = await openFolder(folder)
  // As many topics as make a checkpoint of each commit; all of it fits into one log of LevelDB.
  const commits = 13
  for (let i = 0; i < commits; i++)
    await append(
      first.store,
      ...Array.from({ length: 1024 }, (_, n) => message('x'.repeat(900), { topic: `t/${i}/${n}` }))
    )
  await first.close()
  const path = join(folder, logOf(folder))
  const bytes = readFileSync(path)
  bytes[100_000]! ^= 1
  writeFileSync(path, bytes)

  const again = await openFolder(folder)

  assert.ok(bytes.length > 12 * 2 ** 20, `the log has ${bytes.length} bytes`)
  const left = Array.from({ length: commits }, (_, i) =>
    again.store.counts({ tenant: 'paris', topic: `t/${i}/0` })
  )
  assert.deepEqual(
    left.map(({ ready }) => ready.messages),
    [0, ...Array.from({ length: commits - 1 }, () => 1)]
  )
  assert.deepEqual(again.store.opened.missing, [{ from: 1, to: 1 }])
  await again.close()
})

test('a log of LevelDB cut anywhere loses nothing in silence', async t => {
  const folder = scratch(t)
  const first = await openFolder(folder)
  await fill(first.store, 200, 'x'.repeat(500))
  await first.close()
  const log = logOf(folder)
  const whole = readFileSync(join(folder, log))
  for (const part of [0, 0.1, 0.5, 0.999])
    await namesWhatIsLost(t, folder, log, whole.subarray(0, Math.floor(whole.length * part)), 200)
})

test('a mark keeps the last number through kill -9, and knows when it is damaged', async t => {
  const folder = scratch(t)
  const first = await openFolder(folder)
  await fill(first.store, 3)
  await first.close()
  const path = join(folder, 'mark')
  assert.equal(statSync(path).size, 10)

  truncateSync(path, 9)
  const again = await openFolder(folder)

  assert.deepEqual(again.corrupt, [{ key: 'mark', detail: 'the mark of the last batch cannot be read' }])
  assert.deepEqual(again.store.opened.missing, [])
  await again.close()
})

async function fill(store: MailboxStore, count: number, text = ''): Promise<Place[]> {
  const places: Place[] = []
  for (let i = 0; i < count; i++) places.push(...(await append(store, message(`${text}${i}`))))
  return places
}

/** Opens a copy of the folder with another log: each message that was in a batch of its own is there, or its batch named. */
async function namesWhatIsLost(
  t: TestContext,
  folder: string,
  log: string,
  bytes: Uint8Array,
  count: number
): Promise<void> {
  const copy = scratch(t)
  cpSync(folder, copy, { recursive: true })
  writeFileSync(join(copy, log), bytes)

  const { store, corrupt, close } = await openFolder(copy).catch((error: unknown) => {
    assert.match(String(error), /damaged/)
    return { store: undefined, corrupt: [], close: async () => undefined }
  })

  if (store !== undefined) {
    const there = bodies(await store.read(TOPIC, { limit: 1024 })).map(
      body => Number(/\d+$/.exec(body)![0]) + 1
    )
    const lost = store.opened.missing.flatMap(({ from, to }) =>
      Array.from({ length: to - from + 1 }, (_, i) => from + i)
    )
    assert.ok(lost.length > 0, 'nothing was lost')
    assert.deepEqual(
      [...there, ...lost].sort((a, b) => a - b),
      Array.from({ length: count }, (_, i) => i + 1)
    )
    assert.deepEqual(corrupt, [])
  }
  await close()
}

const keyOf = (place: Place): string => messageKey('ready', nameOf(place), place.priority, place.id)

/** As LevelDB does with a batch that was torn: all of it is gone. */
async function lose(level: Level, number: number, place: Place): Promise<void> {
  await level.batch([
    { type: 'del', key: batchKey(number) },
    { type: 'del', key: keyOf(place) }
  ])
}

async function flip(level: Level, key: string): Promise<void> {
  const bytes = Uint8Array.from((await level.get(key))!)
  bytes[bytes.length - 1]! ^= 1
  await level.put(key, bytes)
}

function logOf(folder: string): string {
  const names = readdirSync(join(folder, 'store')).filter(name => name.endsWith('.log'))
  assert.equal(names.length, 1)
  return join('store', names[0]!)
}
