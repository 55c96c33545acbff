import type { Level } from '../level.ts'
import { rangeOf } from './keys.ts'
import type { Kind } from './keys.ts'

const ROWS_AT_ONCE = 256

/** All rows of a kind that begin with `start`, in order, some at a time. */
export async function* rowsOf(
  level: Level,
  kind: Kind,
  { start = '', signal }: { readonly start?: string; readonly signal?: AbortSignal | undefined } = {}
): AsyncGenerator<readonly [key: string, value: Uint8Array]> {
  const { lt } = rangeOf(kind, start)
  let range: { readonly gte: string } | { readonly gt: string } = { gte: kind + start }
  for (;;) {
    signal?.throwIfAborted()
    const found: [string, Uint8Array][] = await level.iterator({ ...range, lt, limit: ROWS_AT_ONCE }).all()
    yield* found
    if (found.length < ROWS_AT_ONCE) return
    range = { gt: found.at(-1)![0] }
  }
}
