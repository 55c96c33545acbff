import Type from 'typebox'
import type { TObject } from 'typebox'
import { FORMS, text } from '../read-envelope.ts'
import { checkMembers } from '../read-members.ts'
import type { BlockedSender, StoredEnvelope } from '../../stores/ams/index.ts'
import type { Changing, StatusRecord } from '../status.ts'
import { readObject } from './body.ts'
import { envelopeBody } from './envelope-body.ts'
import { pageOf } from './envelopes.ts'
import { opened, withRoom } from './opened.ts'
import { formatCursor } from '../cursor.ts'
import type { AmsParts, AmsStores } from './parts.ts'
import { Problem } from './problem.ts'
import { CURSOR, DIRECTION, NO_QUERY, limitOf, placeOf, query } from './query.ts'
import { route } from './route.ts'
import type { AmsRoute, Asked } from './route.ts'
import {
  ENVELOPE,
  FREE,
  ONE_ENVELOPE,
  ON_ENVELOPE,
  ON_SENDER,
  SENDER as SENDER_SCHEMA,
  TO_REMOVE,
  done,
  pageOf as pageSchema
} from './schemas.ts'

const MAX_BODY_BYTES = 4096
const REASON = text(512)
const MODERATOR: Changing = { isModerator: true, isModerated: true }

interface Judged {
  readonly id: string
  readonly reason?: string
}

interface Said extends Pick<StatusRecord, 'at' | 'by'>, Pick<Asked, 'trace'> {}

type Meta = StatusRecord['meta']

/** Why it was done stands beside what was noted before. */
const withReason =
  (reason: string | undefined, done: Meta = {}) =>
  (meta: Meta): Meta =>
    reason === undefined && Object.keys(done).length === 0
      ? meta
      : { ...meta, moderation: { ...done, ...(reason !== undefined && { reason }) } }

/** What an operator does with one envelope. */
const onEnvelope = (
  name: string,
  summary: string,
  act: (stores: AmsStores, { id, reason }: Judged, said: Said) => Promise<StoredEnvelope | undefined>
): AmsRoute =>
  moderating(name, summary, [ON_ENVELOPE, ONE_ENVELOPE], async (parts, asked, said) => {
    checkMembers(asked, { id: FORMS['id']!, reason: REASON }, ['id'])
    const stored = await act(opened(parts), asked as unknown as Judged, said)
    if (stored === undefined) throw new Problem('not_found', 'no envelope here has this id')
    return { envelope: envelopeBody(stored) }
  })

function moderating(
  name: string,
  summary: string,
  [body, gives]: readonly [TObject, TObject],
  act: (parts: AmsParts, asked: ReturnType<typeof readObject>, said: Said) => Promise<object>
): AmsRoute {
  return route({
    method: 'POST',
    path: `/admin/v1/${name}`,
    role: 'admin',
    takes: 'json',
    maxBodyBytes: MAX_BODY_BYTES,
    query: NO_QUERY,
    statuses: [200],
    body,
    gives,
    summary,
    answer: async (parts: AmsParts, { body, caller, trace }: Asked<object>) => {
      const said = { at: new Date(parts.nowMs()).toISOString(), by: caller.name, trace }
      return { status: 200, body: { ok: true, ...(await act(parts, readObject(body), said)) } }
    }
  })
}

const decided =
  (status: StatusRecord['status']) =>
  async ({ envelopes }: AmsStores, { id, reason }: Judged, said: Said) =>
    await withRoom(envelopes).change(
      id,
      { status, ...said },
      { ...MODERATOR, note: withReason(reason), isBeyondBound: true, trace: said.trace }
    )

const SENDER = { from: FORMS['from']!, reason: REASON }
const KINDS = { artifact: 'artifacts', message: 'rooms', record: 'notary' } as const
const REMOVED = {
  artifact: text(200),
  message: FORMS['id']!,
  record: FORMS['id']!,
  reason: REASON
}

/** What an operator decides of what others have posted. @see specs/ams.md, section 14 */
export const MODERATION: readonly AmsRoute[] = [
  route({
    method: 'GET',
    path: '/admin/v1/quarantine',
    role: 'admin',
    query: query({ limit: limitOf(50, 200), cursor: CURSOR, dir: DIRECTION }),
    statuses: [200],
    gives: pageSchema(ENVELOPE),
    summary: 'A page of the envelopes that wait for a moderator.',
    answer: async (parts, { query: asked }) => ({
      status: 200,
      body: { ok: true, ...(await pageOf(parts, { ...asked, status: 'quarantined' })) }
    })
  }),
  onEnvelope('release', 'Accepts an envelope, out of quarantine too.', decided('accepted')),
  onEnvelope('reject', 'Rejects an envelope that is queued or quarantined.', decided('rejected')),
  onEnvelope('archive', 'Archives an envelope that was decided of.', decided('archived')),
  onEnvelope(
    'redact',
    'Takes away for good what an envelope says; its id, digest and chain stay.',
    async ({ envelopes }, { id, reason }, said) =>
      await withRoom(envelopes).redact(id, { meta: withReason(reason, { redacted: true })({}), ...said })
  ),
  moderating(
    'remove',
    'Removes an artifact, a message of a room or a notary record.',
    [TO_REMOVE, done({ removed: FREE })],
    async (parts, asked, { by, trace }) => {
      checkMembers(asked, REMOVED)
      const { reason, ...named } = asked as Readonly<Record<string, string>>
      const [[what, key] = [], ...others] = Object.entries(named)
      if (what === undefined || key === undefined || others.length > 0)
        throw new Problem('bad_form', 'give one of artifact, message and record')
      const store = withRoom(opened(parts)[KINDS[what as keyof typeof KINDS]])
      const removed = await store.remove(key, { by, trace, ...(reason !== undefined && { reason }) })
      if (removed === undefined) throw new Problem('not_found', `no ${what} here is this one`)
      return { removed: { [what]: key } }
    }
  ),
  route({
    method: 'GET',
    path: '/admin/v1/blocked',
    role: 'admin',
    query: query({ limit: limitOf(200, 500), cursor: CURSOR }),
    statuses: [200],
    gives: pageSchema(SENDER_SCHEMA),
    summary: 'A page of the senders that are blocked, the first that was first.',
    answer: async (parts, { query: { limit, cursor } }) => {
      const { items, isEnd } = opened(parts).blocked.list({ after: placeOf(cursor), limit })
      const last = isEnd ? undefined : items.at(-1)
      const nextCursor = last === undefined ? null : formatCursor(last.n)
      return { status: 200, body: { ok: true, items: items.map(senderBody), nextCursor } }
    }
  }),
  moderating(
    'block',
    'Takes nothing new of a sender from now on.',
    [ON_SENDER, done({ sender: SENDER_SCHEMA })],
    async (parts, asked, said) => {
      checkMembers(asked, SENDER, ['from'])
      const sender = await opened(parts).blocked.block({ ...(asked as unknown as Sender), ...said })
      return { sender: senderBody(sender) }
    }
  ),
  moderating(
    'unblock',
    'Takes what a blocked sender posts again.',
    [ON_SENDER, done({ from: Type.String() })],
    async (parts, asked, said) => {
      checkMembers(asked, SENDER, ['from'])
      const known = await opened(parts).blocked.unblock({ ...(asked as unknown as Sender), ...said })
      if (known === undefined) throw new Problem('not_found', 'from: this sender is not blocked')
      return { from: known.from }
    }
  )
]

interface Sender {
  readonly from: string
  readonly reason?: string
}

const senderBody = ({ from, at, by, reason }: BlockedSender): object => ({ from, at, by, reason })
