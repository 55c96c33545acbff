import type { AccessRefusal } from './refusal.ts'
import type { Level } from './request-limits.ts'

const WINDOW_S = 60

/** `RateLimit-Policy`, which names what holds, and `RateLimit`, which says how the emptiest of it stands. */
export function rateFields(levels: readonly Level[]): Readonly<Record<string, string>> {
  const [emptiest] = levels.toSorted((a, b) => a.left - b.left)
  if (emptiest === undefined) return {}
  const { bucket, left, resetMs } = emptiest
  return {
    'ratelimit-policy': levels.map(each => `"${each.bucket}";q=${each.perMinute};w=${WINDOW_S}`).join(', '),
    ratelimit: `"${bucket}";r=${left};t=${seconds(resetMs)}`
  }
}

/** 429, with when it is worth asking again. */
export function tooMany(spent: Level): AccessRefusal {
  const retryAfterS = Math.max(1, seconds(spent.resetMs))
  return {
    code: 'rate_limited',
    message: `too many requests for ${spent.bucket}: ${spent.perMinute} a minute; ask again in ${retryAfterS} s`,
    headers: { 'retry-after': String(retryAfterS), ...rateFields([{ ...spent, left: 0 }]) },
    members: { bucket: spent.bucket, limit_per_min: spent.perMinute, retry_after_sec: retryAfterS }
  }
}

const seconds = (ms: number): number => Math.ceil(ms / 1000)
