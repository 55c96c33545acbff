import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { openLevel } from '../level.ts'
import type { Level } from '../level.ts'
import { openBatchMark } from './batch-mark.ts'
import { LevelMailboxStore } from './mailbox-store.ts'
import { WINDOW_MS, append, mailboxStoreSuite, message } from './store.suite.ts'
import type { Open } from './store.suite.ts'

const NOW_MS = 1_800_000_000_000

mailboxStoreSuite('memory', async (t, options) => {
  const level = await openLevel('memory')
  t.after(() => level.close())
  return await subject(() => LevelMailboxStore.open(level, options))
})

mailboxStoreSuite('LevelDB', async (t, options) => {
  const folder = scratch(t)
  let level: Level | undefined
  const close = async (): Promise<void> => await level?.close()
  t.after(close)
  return await subject(async () => {
    await close()
    level = await openLevel(join(folder, 'store'))
    return await LevelMailboxStore.open(level, { ...options, mark: openBatchMark(join(folder, 'mark')) })
  })
})

test('a message whose move is written between two looks for it is found', async t => {
  const level = await openLevel('memory')
  t.after(() => level.close())
  const store = await LevelMailboxStore.open(level, { now: () => NOW_MS, idemWindowMs: WINDOW_MS })
  t.after(() => store[Symbol.asyncDispose]())
  const [a] = await append(store, message('a', { notBeforeMs: NOW_MS + 9, priority: 7 }))
  const promoting = store.commit([{ do: 'promote', place: a! }])
  const getMany = level.getMany.bind(level)
  let looks = 0
  t.mock.method(level, 'getMany', async (keys: string[]) => {
    const rows = await getMany(keys)
    // What the first look saw is from before.
    if (++looks === 1) await promoting
    return rows
  })

  const found = await store.find(a!, a!.id)

  assert.deepEqual([found?.id, found?.state, found?.priority], [a!.id, 'ready', 7])
  assert.equal(looks, 2)
})

test('what is answered is in the mark, so that it is missed when the end of the store is cut off', async t => {
  const folder = scratch(t)
  const path = join(folder, 'mark')
  const level = await openLevel(join(folder, 'store'))
  t.after(() => level.close())
  const options = { now: () => NOW_MS, idemWindowMs: WINDOW_MS }
  const store = await LevelMailboxStore.open(level, { ...options, mark: openBatchMark(path) })
  t.after(() => store[Symbol.asyncDispose]())
  for (let sent = 1; sent <= 20; sent++) {
    await append(store, message('a'))

    const read = openBatchMark(path)
    assert.equal(read.last, sent)
    await read.close()
  }
})

test('a purge gives the disk back what it took away', async t => {
  const folder = scratch(t)
  const options = { now: () => NOW_MS, idemWindowMs: WINDOW_MS }
  {
    const level = await openLevel(folder)
    const store = await LevelMailboxStore.open(level, options)
    for (const [topic, count] of [
      ['kept', 200],
      ['gone', 1000],
      ['gone', 1000],
      ['gone', 1000]
    ] as const)
      await append(
        store,
        ...Array.from({ length: count }, () => ({ ...message('', { topic }), body: randomBytes(1000) }))
      )
    await store[Symbol.asyncDispose]()
    await level.close()
  }
  // What was written before is in tables then, as it is of a node that works for long.
  const level = await openLevel(folder)
  t.after(() => level.close())
  await using store = await LevelMailboxStore.open(level, options)
  const before = bytesIn(folder)

  const gone = await store.purge({ tenant: 'paris', topic: 'gone' }, 'ready')

  const after = bytesIn(folder)
  assert.equal(gone, 3000)
  assert.ok(before > 3_000_000, `${before} bytes before`)
  assert.ok(after < 1_000_000, `${after} bytes after, of ${before}`)
  assert.equal((await store.read({ tenant: 'paris', topic: 'kept' }, { limit: 1000 })).length, 200)
})

async function subject(open: () => Promise<LevelMailboxStore>): ReturnType<Open> {
  let store = await open()
  return {
    store,
    async reopen() {
      await store[Symbol.asyncDispose]()
      return (store = await open())
    }
  }
}

function scratch(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'mailbox-'))
  t.after(() => rmSync(folder, { recursive: true }))
  return folder
}

const bytesIn = (folder: string): number =>
  readdirSync(folder).reduce((sum, name) => sum + statSync(join(folder, name)).size, 0)
