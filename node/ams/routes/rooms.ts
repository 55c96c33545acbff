import { refuseBlocked } from '../blocked.ts'
import { FORMS, object, text } from '../read-envelope.ts'
import { readObject } from './body.ts'
import { keepEntry, pageOfEntries } from './entries.ts'
import { opened } from './opened.ts'
import { CURSOR, DIRECTION, limitOf, nameOf, query } from './query.ts'
import { route } from './route.ts'
import type { AmsRoute } from './route.ts'
import { MESSAGE as MESSAGE_SCHEMA, NEW_MESSAGE, done, pageOf as pageSchema } from './schemas.ts'

const MAX_BODY_BYTES = 256 * 1024
const PATH = '/room/v1/messages'
const ROOM = nameOf(128, 'The room.')
const MESSAGE = {
  forms: { from: FORMS['from']!, kind: text(64), body: object },
  needed: ['body'],
  usual: { kind: 'text' },
  prefix: 'msg_',
  name: 'message'
}

export const ROOMS: readonly AmsRoute[] = [
  route({
    method: 'GET',
    path: PATH,
    role: 'read',
    query: query({ room: ROOM, limit: limitOf(200, 500), cursor: CURSOR, dir: DIRECTION }),
    statuses: [200],
    gives: pageSchema(MESSAGE_SCHEMA),
    summary: 'A page of the messages of a room.',
    answer: async (parts, { query: { room, ...asked } }) =>
      await pageOfEntries(opened(parts).rooms, asked, room)
  }),
  route({
    method: 'POST',
    path: PATH,
    role: 'write',
    takes: 'json',
    maxBodyBytes: MAX_BODY_BYTES,
    query: query({ room: ROOM }),
    statuses: [200, 201],
    body: NEW_MESSAGE,
    gives: done({ message: MESSAGE_SCHEMA }),
    summary: 'Says something in a room; 200 for a message that is there already.',
    answer: async (parts, { query: { room: group }, body, caller, trace }) => {
      const posted = readObject(body)
      return await keepEntry(parts, opened(parts).rooms, posted, {
        ...MESSAGE,
        group,
        by: caller.name,
        trace,
        refuseNew: ({ from }) => refuseBlocked(from as string | undefined, parts.posting.isBlocked)
      })
    }
  })
]
