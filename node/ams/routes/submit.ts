import { readObject } from './body.ts'
import { post } from './post-envelope.ts'
import { NO_QUERY } from './query.ts'
import { route } from './route.ts'
import type { AmsRoute } from './route.ts'
import { NEW_ENVELOPE, SUBMITTED } from './schemas.ts'

const MAX_BODY_BYTES = 256 * 1024

export const SUBMIT: readonly AmsRoute[] = [
  route({
    method: 'POST',
    path: '/ams/v1/submit',
    role: 'write',
    takes: 'json',
    maxBodyBytes: MAX_BODY_BYTES,
    query: NO_QUERY,
    statuses: [202],
    body: NEW_ENVELOPE,
    gives: SUBMITTED,
    summary:
      'Hands an envelope in, kept as queued until somebody decides; in a sandbox it is judged as one that is posted.',
    answer: async (parts, { body, caller, ip, requestId, trace }) => {
      const posting = { by: caller.name, ip, requestId, trace, isLeftQueued: true }
      const { stored } = await (await post(parts, readObject(body), posting))()
      const { immutable, sha256, latest } = stored
      return { status: 202, body: { ok: true, id: immutable.id, sha256, status: latest.status } }
    }
  })
]
