import { join } from 'node:path'
import { openDataFolder } from '../data-folder.ts'
import { openLevel } from '../stores/level.ts'
import type { Level } from '../stores/level.ts'
import { openBatchMark } from '../stores/mailbox/index.ts'

/** Beside LevelDB's own files, which it leaves alone; not part of a backup. */
export const MAILBOX_MARK = 'mailbox.mark'

/** The rows of a mailbox whose node does not run; they are as that left them. */
export interface StoppedMailbox extends AsyncDisposable {
  readonly level: Level
  /** A batch that was durable; 0 where nothing tells. */
  readonly lastDurable: number
}

/**
 * Takes the data folder of a stopped node to look after its mailbox. Ends with `await using`.
 * @throws SetupError as `openDataFolder` and `openLevel`
 */
export async function openStoppedMailbox(path: string): Promise<StoppedMailbox> {
  await using opened = new AsyncDisposableStack()
  const folder = opened.use(await openDataFolder(path))
  const level = await openLevel(folder.store)
  opened.defer(() => level.close())
  const mark = openBatchMark(join(folder.store, MAILBOX_MARK))
  const lastDurable = mark.last
  await mark.close()
  const owned = opened.move()
  return { level, lastDurable, [Symbol.asyncDispose]: () => owned.disposeAsync() }
}
