import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import type { SetupError } from '../../setup-error.ts'
import type { Level } from '../level.ts'
import { exportMailbox } from './export.ts'
import { fsckMailbox } from './fsck.ts'
import { readExport } from './import-lines.ts'
import { importMailbox } from './import.ts'
import { KIND, allOf } from './keys.ts'
import { NOW_MS, rowsInMemory } from './level-rows.fixture.ts'
import { WINDOW_MS, append, bodies, idem, message } from './store.suite.ts'

const TOPIC = { tenant: 'paris', topic: 'orders/new' }
const PAGE = { limit: 100 }

test('what is exported is imported with its ids, places, attempts, times and keys', async t => {
  const { level, open } = await filled(t)
  const lines = await exported(level)
  const other = await rowsInMemory(t)

  const imported = await importInto(other.level, lines)

  assert.deepEqual(imported, { messages: 4, idemKeys: 1, present: 0 })
  const [from, to] = [await open(), await other.open()]
  for (const read of [
    (store: typeof to) => store.read(TOPIC, PAGE),
    (store: typeof to) => store.deadLetters(TOPIC, PAGE),
    (store: typeof to) => store.due(NOW_MS + 1000, 100),
    async (store: typeof to) => store.counts(TOPIC),
    async (store: typeof to) => store.tenantCounts('paris')
  ])
    assert.deepEqual(await read(to), await read(from))
  const again = await to.commit([{ do: 'append', message: message('keyed', { idem: idem('k', 1) }) }])
  assert.equal(again[0]?.is, 'duplicate')
  assert.deepEqual((await fsckMailbox(other.level)).problems, [])
})

test('an import that is run again brings nothing twice, and newer messages go behind what came', async t => {
  const { level } = await filled(t)
  const lines = await exported(level)
  const other = await rowsInMemory(t)
  await importInto(other.level, lines)

  assert.deepEqual(await importInto(other.level, lines), { messages: 0, idemKeys: 1, present: 4 })

  const store = await other.open({ now: () => NOW_MS - 60_000 })
  const [place] = await append(store, message('new', { priority: 0 }))
  const read = await store.read(TOPIC, { ...PAGE, priority: 0 })
  assert.equal(read.at(-1)?.id, place!.id)
})

test('an import adds to what is there', async t => {
  const { level } = await filled(t)
  const other = await rowsInMemory(t)
  await append(await other.open(), message('own'))

  await importInto(other.level, await exported(level))

  const store = await other.open()
  assert.equal(store.counts(TOPIC).ready.messages, 3)
  assert.ok(bodies(await store.read(TOPIC, PAGE)).includes('own'))
})

test('an import that was cut short is counted at the next opening', async t => {
  const from = await rowsInMemory(t)
  const texts = Array.from({ length: 600 }, (_, n) => message(String(n)))
  await append(await from.open(), ...texts)
  const lines = await exported(from.level)
  const other = await rowsInMemory(t)
  await (await other.open())[Symbol.asyncDispose]()
  let taken = 0
  const cut = importMailbox(
    other.level,
    take =>
      readExport('x', reader(lines), async line => {
        if (++taken === 550) throw new Error('cut')
        await take(line)
      }),
    OPTIONS
  )
  await assert.rejects(cut, /cut/)

  const store = await other.open()

  assert.deepEqual([store.opened.recounted, store.counts(TOPIC).ready.messages], [500, 500])
  assert.deepEqual((await fsckMailbox(other.level)).problems, [])
})

test('an export leaves out what cannot be read, and counts it', async t => {
  const { level } = await filled(t)
  const [key] = await level.keys(allOf(KIND.ready)).all()
  await level.put(key!, Uint8Array.of(1, 2, 3))
  const written: Uint8Array[] = []

  const counts = await exportMailbox(level, async bytes => void written.push(bytes))

  assert.deepEqual(counts, { messages: 3, idemKeys: 1, damaged: 1 })
  await readExport('x', reader(Buffer.concat(written)), () => undefined)
})

test('an export that was changed in any bit or cut anywhere is refused before anything is kept', async t => {
  const { level } = await filled(t)
  const whole = await exported(level)
  for (let at = 0; at < whole.length; at += 7) {
    const flipped = Buffer.from(whole)
    flipped[at]! ^= 1 << (at % 8)
    await assert.rejects(
      readExport('mail', reader(flipped), () => undefined),
      refused
    )
    await assert.rejects(
      readExport('mail', reader(whole.subarray(0, at)), () => undefined),
      refused
    )
  }
})

const WRONG: Readonly<Record<string, readonly [string, RegExp]>> = {
  'an empty file': ['', /mail: cut short behind line 0/],
  'another file': ['hello\n', /mail: line 1: no JSON object/],
  'JSON that is no export': ['{"a":1}\n', /mail: not an export/],
  'a newer format': ['{"omnigate_mailbox":2}\n', /format 2, this version reads up to 1/],
  'a line without an end': ['{'.repeat(3_000_000), /line 0: longer than/],
  'a list': ['{"omnigate_mailbox":1}\n[]\n', /line 2: no JSON object/],
  'another member': ['{"omnigate_mailbox":1}\n{"state":"ready"}\n', /line 2: neither a message nor/],
  'something behind the end': [
    '{"omnigate_mailbox":1}\n{"end":true,"messages":0,"idem_keys":0,"sha256":"ba6e"}\n{}\n',
    /line 2: the lines before it are not those/
  ]
}

for (const [what, [text, says]] of Object.entries(WRONG))
  test(`refuses ${what}`, async () => {
    await assert.rejects(
      readExport('mail', reader(Buffer.from(text)), () => undefined),
      says
    )
  })

const OPTIONS = { nowMs: NOW_MS, idemWindowMs: WINDOW_MS }

const refused = (error: unknown): boolean =>
  ['badInput', 'newerFormat'].includes((error as SetupError).reason as string)

async function filled(t: TestContext) {
  const given = await rowsInMemory(t)
  const store = await given.open()
  const places = await append(
    store,
    message('a', { priority: 9, expiresAtMs: NOW_MS + 500, meta: Uint8Array.of(1) }),
    message('keyed', { idem: idem('k', 1) }),
    message('later', { notBeforeMs: NOW_MS + 100 }),
    message('dead')
  )
  await store.noteAttempts([{ place: places[0]!, attempts: 2, history: Uint8Array.of(3) }])
  await store.commit([
    {
      do: 'bury',
      place: places[3]!,
      attempts: 5,
      history: Uint8Array.of(4),
      reason: 'r',
      expiresAtMs: NOW_MS + 900
    }
  ])
  await store[Symbol.asyncDispose]()
  return given
}

async function exported(level: Level): Promise<Buffer> {
  const written: Uint8Array[] = []
  await exportMailbox(level, async bytes => void written.push(bytes))
  return Buffer.concat(written)
}

const importInto = (level: Level, bytes: Uint8Array) =>
  importMailbox(level, take => readExport('x', reader(bytes), take), OPTIONS)

/** Bytes in pieces that end anywhere. */
function reader(bytes: Uint8Array): () => Promise<Uint8Array> {
  let at = 0
  return async () => {
    const from = at
    at = Math.min(bytes.length, at + 100_003)
    return bytes.subarray(from, at)
  }
}
