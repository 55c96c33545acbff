import { canonicalJson } from '../../../federation/index.ts'
import type { CanonicalValue } from '../../../federation/index.ts'
import { FORMS, MAX_ENVELOPE_BYTES, matching, object } from '../read-envelope.ts'
import { checkMembers, flag, list, whole } from '../read-members.ts'
import { EnvelopeRefusal } from '../refusal.ts'
import type { Kept } from '../posting.ts'
import { readObject } from './body.ts'
import type { JsonBody } from './body.ts'
import { pageOf } from './envelopes.ts'
import type { AmsParts } from './parts.ts'
import { post } from './post-envelope.ts'
import type { Poster } from './post-envelope.ts'
import { problemOf } from './problem.ts'
import type { Problem } from './problem.ts'
import { NO_QUERY, placeOf } from './query.ts'
import { route } from './route.ts'
import type { AmsRoute } from './route.ts'
import { SYNCED, SYNC_ASKED } from './schemas.ts'

const MAX_BODY_BYTES = 1024 * 1024
const MAX_PUSHED = 500
const MAX_PULLED = 500
const USUALLY_PULLED = 200

interface Sync {
  readonly push?: readonly CanonicalValue[]
  readonly pull?: boolean
  readonly since?: string
  readonly limit?: number
  readonly thread?: string
  readonly from?: string
  readonly to?: string
}

const SYNC_FORMS = {
  push: list(MAX_PUSHED),
  pull: flag,
  since: matching(/^[A-Za-z0-9_-]{12}$/, 'the nextCursor of a page, as it was'),
  limit: whole(1, MAX_PULLED),
  thread: FORMS['thread']!,
  from: FORMS['from']!,
  to: FORMS['to']!
}

export const SYNC: readonly AmsRoute[] = [
  route({
    method: 'POST',
    path: '/ams/v1/sync',
    role: 'read',
    takes: 'json',
    maxBodyBytes: MAX_BODY_BYTES,
    query: NO_QUERY,
    statuses: [200],
    body: SYNC_ASKED,
    gives: SYNCED,
    summary: 'Posts envelopes, which needs the role write, and pulls a page of envelopes, oldest first.',
    answer: async (parts, { body, caller, ip, requestId, trace, needs }) => {
      const asked = readObject(body)
      checkMembers(asked, SYNC_FORMS)
      const { push = [], pull = true, since, limit = USUALLY_PULLED, ...filter } = asked as Sync
      // Before anything is stored.
      placeOf(since)
      if (push.length > 0) needs('write')
      const { accepted, rejected } = await pushed(parts, push, {
        by: caller.name,
        ip,
        requestId,
        trace,
        bytes: body.length
      })
      const pulled = pull
        ? await pageOf(parts, { ...filter, ...(since !== undefined && { cursor: since }), limit, dir: 'asc' })
        : { items: [], nextCursor: null }
      return { status: 200, body: { ok: true, accepted, rejected, pulled } }
    }
  })
]

interface Pushed {
  readonly accepted: readonly object[]
  readonly rejected: readonly object[]
}

/** Posts each by itself, in their order; what is wrong with one is said of that one. */
async function pushed(
  parts: AmsParts,
  push: readonly CanonicalValue[],
  { bytes, ...poster }: Poster & { readonly bytes: number }
): Promise<Pushed> {
  const ready: (() => Promise<Kept>)[] = []
  for (const [n, value] of push.entries()) {
    const judged = await attempt(
      async () => await post(parts, envelopeOf(value, `push[${n}]`, bytes), poster)
    )
    ready.push(typeof judged === 'function' ? judged : () => Promise.reject(judged))
  }
  // At once, so that they share what they wait for.
  const results = await Promise.all(ready.map(async keep => await attempt(keep)))
  const [accepted, rejected]: [object[], object[]] = [[], []]
  for (const [index, result] of results.entries()) {
    if ('stored' in result) {
      const { immutable, sha256 } = result.stored
      accepted.push({ id: immutable.id, sha256 })
    } else {
      parts.onProblem(result.code)
      rejected.push({ index, ...idOf(push[index]!), error: result.code, message: result.message })
    }
  }
  return { accepted, rejected }
}

/** What the caller is to know of a failure stands for the result. */
async function attempt<T>(run: () => Promise<T>): Promise<T | Problem> {
  try {
    return await run()
  } catch (error) {
    const problem = problemOf(error)
    if (problem === undefined) throw error
    return problem
  }
}

function envelopeOf(value: CanonicalValue, name: string, bodyBytes: number): JsonBody {
  object(value, name)
  if (bodyBytes > MAX_ENVELOPE_BYTES && Buffer.byteLength(canonicalJson(value)) > MAX_ENVELOPE_BYTES)
    throw new EnvelopeRefusal('too_long', `${name}: longer than ${MAX_ENVELOPE_BYTES} bytes`)
  return value as JsonBody
}

/** The id of what was refused, where it has one that can be shown. */
function idOf(value: CanonicalValue): { readonly id?: string } {
  const id = typeof value === 'object' && value !== null && 'id' in value ? value.id : undefined
  try {
    FORMS['id']!(id ?? null, 'id')
    return { id: id as string }
  } catch {
    return {}
  }
}
