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
  for (const name of WRITES) {
    const write = inner[name].bind(level)
    inner[name] = (...args) => {
      const done = last.then(async () => {
        if (failure !== undefined) throw new Error('an earlier write of the store failed', failure)
        // One that waited while the store was closed must not reach it any more.
        if (level.status !== 'open') throw new Error('the store is closed')
        try {
          await write(...args)
        } catch (error) {
          failure = { cause: error }
          failed(error)
          throw error
        }
      })
      last = done.catch(() => undefined)
      return done
    }
  }
}
