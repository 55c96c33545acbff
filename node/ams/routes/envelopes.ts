import Type from 'typebox'
import type { Static } from 'typebox'
import { MAX_ENVELOPE_BYTES } from '../read-envelope.ts'
import { readChange } from '../read-change.ts'
import { STATUSES } from '../status.ts'
import { readObject } from './body.ts'
import { envelopeBody } from './envelope-body.ts'
import { nextCursor } from './page.ts'
import { opened, withRoom } from './opened.ts'
import type { AmsParts } from './parts.ts'
import { post } from './post-envelope.ts'
import { Problem } from './problem.ts'
import { CURSOR, DIRECTION, NO_QUERY, limitOf, nameOf, placeOf, query } from './query.ts'
import { route } from './route.ts'
import type { AmsRoute, Answer } from './route.ts'
import { ENVELOPE, ENVELOPE_CHANGE, NEW_ENVELOPE, ONE_ENVELOPE, pageOf as pageSchema } from './schemas.ts'

const MAX_CHANGE_BYTES = 256 * 1024
const MAX_NAME = 256

const LIST = query({
  limit: limitOf(50, 200),
  cursor: CURSOR,
  dir: DIRECTION,
  thread: Type.Optional(nameOf(MAX_NAME, 'Only those of this thread.')),
  from: Type.Optional(nameOf(MAX_NAME, 'Only those of this sender.')),
  to: Type.Optional(nameOf(MAX_NAME, 'Only those for this receiver.')),
  status: Type.Optional(Type.Enum(STATUSES, { description: 'Only those that stand there.' }))
})

export const ENVELOPES: readonly AmsRoute[] = [
  route({
    method: 'GET',
    path: '/ams/v1/envelopes',
    role: 'read',
    query: LIST,
    statuses: [200],
    gives: pageSchema(ENVELOPE),
    summary: 'A page of envelopes.',
    answer: async (parts, { query: asked }) => ({
      status: 200,
      body: { ok: true, ...(await pageOf(parts, asked)) }
    })
  }),
  route({
    method: 'POST',
    path: '/ams/v1/envelopes',
    role: 'write',
    takes: 'json',
    maxBodyBytes: MAX_ENVELOPE_BYTES,
    query: NO_QUERY,
    statuses: [200, 201],
    body: NEW_ENVELOPE,
    gives: ONE_ENVELOPE,
    summary: 'Posts an envelope; 200 for one that is there already.',
    answer: async (parts, { body, caller, ip, requestId, trace }) => {
      const poster = { by: caller.name, ip, requestId, trace }
      const { isNew, stored } = await (await post(parts, readObject(body), poster))()
      return { status: isNew ? 201 : 200, body: { ok: true, envelope: envelopeBody(stored) } }
    }
  }),
  route({
    method: 'GET',
    path: '/ams/v1/envelopes/{id}',
    role: 'read',
    query: NO_QUERY,
    statuses: [200],
    gives: ONE_ENVELOPE,
    summary: 'One envelope.',
    answer: async (parts, { name }) => shown(await opened(parts).envelopes.get(name))
  }),
  route({
    method: 'PATCH',
    path: '/ams/v1/envelopes/{id}',
    role: 'write',
    takes: 'json',
    maxBodyBytes: MAX_CHANGE_BYTES,
    query: NO_QUERY,
    statuses: [200],
    body: ENVELOPE_CHANGE,
    gives: ONE_ENVELOPE,
    summary: 'Changes the status of an envelope, what stands beside it, or both.',
    answer: async (parts, { name, body, caller, trace }) => {
      const at = new Date(parts.nowMs()).toISOString()
      const change = { ...readChange(readObject(body)), at, by: caller.name }
      const changing = {
        isModerator: caller.isModerator,
        isModerated: parts.posting.isModerated?.() === true,
        trace
      }
      return shown(await withRoom(opened(parts).envelopes).change(name, change, changing))
    }
  })
]

/** A page of envelopes as it is answered. @throws Problem `bad_cursor` */
export async function pageOf(
  parts: AmsParts,
  { cursor, limit, dir, ...filter }: Static<typeof LIST>
): Promise<{ readonly items: readonly object[]; readonly nextCursor: string | null }> {
  const asked = { after: placeOf(cursor), limit, isAscending: dir === 'asc' }
  const page = await opened(parts).envelopes.list(filter, asked)
  return { items: page.items.map(envelopeBody), nextCursor: nextCursor(page, asked) }
}

function shown(stored: Parameters<typeof envelopeBody>[0] | undefined): Answer {
  if (stored === undefined) throw new Problem('not_found', 'no envelope here has this id')
  return { status: 200, body: { ok: true, envelope: envelopeBody(stored) } }
}
