import type { Level } from './level.ts'

type Write = (...args: unknown[]) => Promise<void>
type Writes = Record<(typeof WRITES)[number], Write>

/** What every change of a store comes to, those of its sublevels too. */
const WRITES = ['_put', '_del', '_batch', '_clear'] as const

/**
 * From now on one write at a time reaches the files of a store, and none after the first that failed; `failed` is told of
 * that one before its caller is. A write that fails may leave half a record at the end of LevelDB's log. LevelDB writes on
 * behind it, says that this is durable, and finds none of it when it is opened again. For the same reason a write must not
 * be answered while an earlier one may yet fail. What is left to do with the store is to close it.
 */
export function endAtFailedWrite(level: Level, failed: (error: unknown) => void): void {
  const inner = level as unknown as Writes
  let failure: { readonly cause: unknown } | undefined
  let last: Promise<unknown> = Promise.resolve()
  let open = 0
  for (const name of WRITES) {
    const write = inner[name].bind(level)
    const run = async (args: readonly unknown[]): Promise<void> => {
      try {
        if (failure !== undefined) throw new Error('an earlier write of the store failed', failure)
        // One that waited while the store was closed must not reach it any more.
        if (level.status !== 'open') throw new Error('the store is closed')
        await attempt(() => write(...args))
      } finally {
        open--
      }
    }
    inner[name] = (...args) => {
      const done = open++ === 0 ? run(args) : last.then(() => run(args))
      last = done.catch(() => undefined)
      return done
    }
  }

  async function attempt(write: () => Promise<void>): Promise<void> {
    try {
      await write()
    } catch (error) {
      failure = { cause: error }
      failed(error)
      throw error
    }
  }
}
