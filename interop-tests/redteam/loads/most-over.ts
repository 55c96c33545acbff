import type { Target } from '../target.ts'

const LOOK_MS = 50

/** Most resident bytes over idle while `work` runs; garbage counts. */
export async function mostOver<T>(
  target: Target,
  idle: number,
  work: () => Promise<T>
): Promise<[number, T]> {
  let most = 0
  const watch = setInterval(() => (most = Math.max(most, target.rssBytes() - idle)), LOOK_MS)
  try {
    const result = await work()
    return [Math.max(most, target.rssBytes() - idle), result]
  } finally {
    clearInterval(watch)
  }
}
