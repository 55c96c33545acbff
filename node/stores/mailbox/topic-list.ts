import type { Level } from '../level.ts'
import { KIND, PREFIX, allOf, nameOf, startOfTenant, topicOf } from './keys.ts'
import { areNone, byPriority, countsOf } from './tallies.ts'
import type { Tallies } from './tallies.ts'
import type { MailboxStore, TopicCounts } from './types.ts'

/** Topics by name: those with a row of counts, and those that are counted in memory only so far. */
export async function listTopics(
  level: Level,
  tallies: Tallies,
  { tenant, after, limit }: Parameters<MailboxStore['topics']>[0]
): Promise<readonly TopicCounts[]> {
  const start = tenant === undefined ? '' : startOfTenant(tenant)
  const all = allOf(KIND.topicCounts, start)
  const afterName = after === undefined ? '' : nameOf(after)
  const listed: TopicCounts[] = []
  const inMemory = [...tallies.inMemory()]
    .map(({ name }) => name)
    .filter(name => name.startsWith(start) && name > afterName)
    .sort()
  let last = afterName
  for (;;) {
    const from = last === '' ? { gte: all.gte } : { gt: PREFIX + KIND.topicCounts + last }
    const keys = await level.keys({ ...from, lt: all.lt, limit }).all()
    const names = keys.map(key => key.slice(PREFIX.length + 1))
    // What lies beyond the last name read may have rows between it and those in memory.
    const end = keys.length < limit ? undefined : names.at(-1)
    const known = inMemory.filter(name => name > last && (end === undefined || name <= end))
    for (const name of [...new Set([...names, ...known])].sort()) {
      const { numbers } = tallies.get(name)
      if (areNone(numbers)) continue
      listed.push({ ...topicOf(name), ...countsOf(numbers), byPriority: byPriority(numbers) })
      if (listed.length === limit) return listed
    }
    if (end === undefined) return listed
    last = end
  }
}
