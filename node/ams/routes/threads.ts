import { formatCursor } from '../cursor.ts'
import type { Thread } from '../../stores/ams/index.ts'
import { opened } from './opened.ts'
import { CURSOR, limitOf, placeOf, query } from './query.ts'
import { route } from './route.ts'
import type { AmsRoute } from './route.ts'
import { THREAD, pageOf as pageSchema } from './schemas.ts'

export const THREADS: readonly AmsRoute[] = [
  route({
    method: 'GET',
    path: '/ams/v1/threads',
    role: 'read',
    query: query({ limit: limitOf(50, 200), cursor: CURSOR }),
    statuses: [200],
    gives: pageSchema(THREAD),
    summary: 'Threads, the one that changed last first.',
    answer: async (parts, { query: { limit, cursor } }) => {
      const found = await opened(parts).envelopes.threads({ before: placeOf(cursor), limit })
      const next = found.length === limit ? formatCursor(found.at(-1)!.update) : null
      return { status: 200, body: { ok: true, items: found.map(threadBody), nextCursor: next } }
    }
  })
]

const threadBody = ({ thread, updated_at, created_at, count, ...last }: Thread): object => ({
  thread,
  updated_at,
  created_at,
  count,
  last_type: last.last_type,
  last_from: last.last_from ?? null,
  last_to: last.last_to ?? null,
  statuses: Object.fromEntries(Object.entries(last.statuses).filter(([, n]) => n > 0))
})
