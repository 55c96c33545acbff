import type { Level } from '../level.ts'
import { KIND, row, sortable } from './keys.ts'

const FORGET_AT_ONCE = 10_000

/** The number of the window in which a time lies. */
export const generationOf = (nowMs: number, windowMs: number): number => Math.floor(nowMs / windowMs)

/** Takes away the idempotency keys of the windows before `generation`, some at a time. */
export async function forgetOlder(level: Level, generation: number): Promise<void> {
  const range = { gte: row(KIND.idem), lt: row(KIND.idem, sortable(Math.max(generation, 0))) }
  while ((await level.keys({ ...range, limit: 1 }).all()).length > 0)
    await level.clear({ ...range, limit: FORGET_AT_ONCE })
}
