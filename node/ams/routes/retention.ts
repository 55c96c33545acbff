import { checkMembers, whole } from '../read-members.ts'
import type { RetentionRule } from '../retention.ts'
import type { RetentionRun } from '../../stores/ams/index.ts'
import { readObject } from './body.ts'
import { opened } from './opened.ts'
import { Problem } from './problem.ts'
import { NO_QUERY } from './query.ts'
import { route } from './route.ts'
import type { AmsRoute } from './route.ts'
import { ONE_RUN, RETAINED, RULE as RULE_SCHEMA } from './schemas.ts'

const PATH = '/admin/v1/retention'
const MAX_BODY_BYTES = 4096
/** What takes longer is answered while it goes on. */
const WAIT_MS = 5000
export const MAX_DAYS = 36_500
export const MAX_COUNT = 1_000_000_000
const RULE = { days: whole(1, MAX_DAYS), count: whole(1, MAX_COUNT) }

/** What goes when it is old, or too much. @see specs/ams.md, section 16 */
export const RETENTION: readonly AmsRoute[] = [
  route({
    method: 'GET',
    path: PATH,
    role: 'admin',
    query: NO_QUERY,
    statuses: [200],
    gives: RETAINED,
    summary: 'How long things are kept, the run that is under way, the last one, and how much room is taken.',
    answer: async parts => {
      const { retention, fill } = opened(parts)
      const { underWay, last } = await retention.state()
      return {
        status: 200,
        body: {
          ok: true,
          rule: parts.retention,
          bytes: fill.used,
          ...(Number.isFinite(fill.most) && { max_bytes: fill.most }),
          under_way: underWay === undefined ? null : runBody(underWay),
          last: last === undefined ? null : runBody(last)
        }
      }
    }
  }),
  route({
    method: 'POST',
    path: PATH,
    role: 'admin',
    takes: 'json',
    maxBodyBytes: MAX_BODY_BYTES,
    query: NO_QUERY,
    statuses: [200, 202],
    body: RULE_SCHEMA,
    gives: ONE_RUN,
    summary: 'Removes what is old, or too much, now; 202 for a run that goes on.',
    answer: async (parts, { body, caller, trace }) => {
      const asked = readObject(body)
      checkMembers(asked, RULE)
      const rule: RetentionRule = Object.keys(asked).length > 0 ? asked : parts.retention
      if (rule.days === undefined && rule.count === undefined)
        throw new Problem('missing_member', 'give days, count or both: nothing is configured here')
      const { retention } = opened(parts)
      const run = retention.run(rule, caller.name, trace)
      run.catch((error: unknown) => parts.onError(error, 'retention'))
      const ended = await within(run, WAIT_MS)
      if (ended !== undefined) return { status: 200, body: { ok: true, run: runBody(ended) } }
      // What is not recorded yet, since another has to end first or much is to be counted, is no run to tell of.
      const begun = await Promise.race([run, retention.begun])
      const { underWay = begun } = await retention.state()
      return {
        status: underWay.ended_at === undefined ? 202 : 200,
        body: { ok: true, run: runBody(underWay) }
      }
    }
  })
]

async function within<T>(run: Promise<T>, ms: number): Promise<T | undefined> {
  const { promise, resolve } = Promise.withResolvers<undefined>()
  const timer = setTimeout(resolve, ms, undefined)
  try {
    return await Promise.race([run, promise])
  } finally {
    clearTimeout(timer)
  }
}

const runBody = ({ at, by, days, count, removed, bytes, ended_at }: RetentionRun): object => ({
  at,
  by,
  days,
  count,
  removed,
  bytes,
  ended_at
})
