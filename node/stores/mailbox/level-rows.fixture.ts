import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { openLevel } from '../level.ts'
import type { Level } from '../level.ts'
import { openBatchMark } from './batch-mark.ts'
import { LevelMailboxStore } from './mailbox-store.ts'
import type { LevelMailboxOptions } from './mailbox-store.ts'
import { WINDOW_MS } from './store.suite.ts'
import type { CorruptRow } from './types.ts'

export const NOW_MS = 1_800_000_000_000

export function scratch(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'mailbox-'))
  t.after(() => rmSync(folder, { recursive: true }))
  return folder
}

/** Rows in memory, and stores opened on them one after the other; those are left as a killed process leaves them. */
export async function rowsInMemory(t: TestContext) {
  const level = await openLevel('memory')
  t.after(() => level.close())
  const corrupt: CorruptRow[] = []
  const open = (more: Partial<LevelMailboxOptions> = {}) =>
    LevelMailboxStore.open(level, {
      now: () => NOW_MS,
      idemWindowMs: WINDOW_MS,
      onCorrupt: row => void corrupt.push(row),
      ...more
    })
  return { level, open, corrupt }
}

/** A store in a folder with its mark. `close` leaves the rows as a process does that was killed while it had nothing to do. */
export async function openFolder(folder: string, more: Partial<LevelMailboxOptions> = {}) {
  const level: Level = await openLevel(join(folder, 'store'))
  const mark = openBatchMark(join(folder, 'mark'))
  const corrupt: CorruptRow[] = []
  const store = await LevelMailboxStore.open(level, {
    now: () => NOW_MS,
    idemWindowMs: WINDOW_MS,
    onCorrupt: row => void corrupt.push(row),
    mark,
    ...more
  })
  const close = async (): Promise<void> => {
    await mark.close()
    await level.close()
  }
  return { level, store, corrupt, close }
}
