import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
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
