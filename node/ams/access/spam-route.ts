import type { FastifyInstance } from 'fastify'
import type { Busy } from './space-saving.ts'
import type { SpamSight, Window } from './spam-sight.ts'

/** Adds `GET /admin/v1/spam`, for the role admin: counts since the start, and the 50 busiest of this hour and the one before. */
export const spamRoute =
  (spam: Pick<SpamSight, 'counts' | 'windows'>, now: () => number) =>
  (app: FastifyInstance): void => {
    app.get('/admin/v1/spam', { config: { role: 'admin' } }, async () => ({
      ok: true,
      counts: spam.counts(),
      windows: spam.windows(now()).map(told)
    }))
  }

const told = ({ fromMs, total, counters, senders, threads, sources }: Window): object => ({
  from: new Date(fromMs).toISOString(),
  total,
  too_high_by_at_most: Math.floor(total / counters),
  senders: senders.map(toldOf),
  threads: threads.map(toldOf),
  sources: sources.map(toldOf)
})

const toldOf = ({ key, count, atLeast }: Busy): object => ({ key, count, at_least: atLeast })
