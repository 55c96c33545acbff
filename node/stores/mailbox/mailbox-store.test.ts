import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { openLevel } from '../level.ts'
import type { Level } from '../level.ts'
import { openBatchMark } from './batch-mark.ts'
import { LevelMailboxStore } from './mailbox-store.ts'
import { mailboxStoreSuite } from './store.suite.ts'
import type { Open } from './store.suite.ts'

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
