import Type from 'typebox'
import { OapError, auditService } from '../../protocols/index.ts'
import { FLAG, limitOf, query } from '../ams/routes/query.ts'
import type { CallParts, LogExtent } from './parts.ts'
import { NO_PIECES, callRoute } from './route.ts'
import type { CallAsked, CallRoute } from './route.ts'

const NDJSON = 'application/x-ndjson'
const EVENTS = '/audit/v1/events.ndjson'
/** How often a reader that follows is told what is new. */
const LOOK_MS = 250
/** Looks that find nothing after which a reader that follows is asked for its right again. */
const ASKS_AFTER_LOOKS = 60
/** Entries that one look of a reader that follows is given at most. */
const AT_ONCE = 2000

const QUERY = query({
  limit: limitOf(200, 2000),
  after: Type.Optional(
    Type.Integer({ minimum: 0, maximum: 999_999_999, description: 'seq of the last entry that is known.' })
  ),
  follow: FLAG('Goes on with what comes, until the reader leaves.')
})

const moved = (path: string): CallRoute =>
  callRoute({
    method: 'GET',
    path,
    role: 'none',
    verb: 'audit:read',
    query: QUERY,
    statuses: [308],
    summary: `Stands for ${EVENTS}.`,
    answer: async (_, { search }) => ({ status: 308, headers: { location: `${EVENTS}${search}` } })
  })

/** The audit log of this node as lines. @see specs/http.md, section 6 */
export const AUDIT: readonly CallRoute[] = [
  callRoute({
    method: 'GET',
    path: EVENTS,
    role: 'admin',
    verb: 'audit:read',
    query: QUERY,
    statuses: [200],
    gives: NDJSON,
    summary: 'Entries of the audit log, one a line, the oldest first: those after `after`, or the newest.',
    answer: async (parts, asked) => {
      const { limit, after, follow } = asked.query
      const { first, size } = extentOf(parts)
      const from = Math.min(size, Math.max(first, after === undefined ? size - limit : after + 1))
      const to = Math.min(size, from + limit)
      // Asked also for no entry at all: whoever may not read it hears so, with a status of its own.
      const now = await entries(asked, from, to)
      const pieces = follow === undefined ? now : following(parts, asked, now, to)
      const headers = { 'content-type': NDJSON }
      return {
        status: 200,
        headers,
        bytes: { pieces: asked.isHead ? NO_PIECES : pieces, isEndless: follow !== undefined }
      }
    }
  }),
  moved('/audit/v1/events'),
  moved('/audit/v1/events_ndjson')
]

async function entries(
  { calls, options }: CallAsked,
  from: number,
  to: number
): Promise<AsyncIterable<Uint8Array>> {
  const { body } = await calls(auditService, 'entries')({ from, to }, options)
  return body
}

/**
 * What there is, then what comes. Each piece is a call of its own, so that it ends when the right does; while nothing comes
 * the right is asked after with calls for no entry.
 */
async function* following(
  { auditExtent, clock, isDraining }: CallParts,
  asked: CallAsked,
  now: AsyncIterable<Uint8Array>,
  next: number
): AsyncGenerator<Uint8Array, void> {
  const { signal } = asked.options
  yield* now
  let at = next
  let idle = 0
  while (!signal.aborted && !isDraining()) {
    const extent = auditExtent()
    const to = typeof extent === 'object' ? Math.min(extent.size, at + AT_ONCE) : at
    if (to > at || idle >= ASKS_AFTER_LOOKS) {
      yield* await entries(asked, at, to)
      at = to
      idle = 0
    } else {
      await after(LOOK_MS, clock, signal)
      idle++
    }
  }
}

function after(ms: number, clock: CallParts['clock'], ended: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  const end = (): void => resolve()
  const stop = clock.after(ms, end)
  ended.addEventListener('abort', end, { once: true })
  return promise.finally(() => {
    stop()
    ended.removeEventListener('abort', end)
  })
}

/** @throws OapError `not_ready`, `not_found` where the node keeps no log */
function extentOf({ auditExtent }: CallParts): LogExtent {
  const extent = auditExtent()
  if (extent === undefined) throw new OapError('not_found', 'this node keeps no audit log')
  if (extent === 'closed') throw new OapError('not_ready', 'the audit log is not open; ask again')
  return extent
}
