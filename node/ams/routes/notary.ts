import { matching, small, text, MAX_META_BYTES } from '../read-envelope.ts'
import { readObject } from './body.ts'
import { keepEntry, pageOfEntries } from './entries.ts'
import { opened } from './opened.ts'
import { CURSOR, DIRECTION, NO_QUERY, limitOf, query } from './query.ts'
import { route } from './route.ts'
import type { AmsRoute } from './route.ts'
import { NEW_RECORD, RECORD as RECORD_SCHEMA, done, pageOf as pageSchema } from './schemas.ts'

const MAX_BODY_BYTES = 64 * 1024
const RECORD = {
  forms: {
    kind: text(64),
    subject: text(512),
    sha256: matching(/^[0-9a-f]{64}$/, '64 hex digits in lower case'),
    meta: small(MAX_META_BYTES)
  },
  needed: ['sha256'],
  usual: { kind: 'artifact', meta: {} },
  group: '',
  prefix: 'notary_',
  name: 'record'
}

export const NOTARY: readonly AmsRoute[] = [
  route({
    method: 'GET',
    path: '/notary/v1/records',
    role: 'read',
    query: query({ limit: limitOf(200, 500), cursor: CURSOR, dir: DIRECTION }),
    statuses: [200],
    gives: pageSchema(RECORD_SCHEMA),
    summary: 'A page of notary records.',
    answer: async (parts, { query: asked }) => await pageOfEntries(opened(parts).notary, asked)
  }),
  route({
    method: 'POST',
    path: '/notary/v1/records',
    role: 'write',
    takes: 'json',
    maxBodyBytes: MAX_BODY_BYTES,
    query: NO_QUERY,
    statuses: [200, 201],
    body: NEW_RECORD,
    gives: done({ record: RECORD_SCHEMA }),
    summary:
      'Has the hub note when it was shown a digest, and by whom; 200 for a record that is there already.',
    answer: async (parts, { body, caller, trace }) =>
      await keepEntry(parts, opened(parts).notary, readObject(body), { ...RECORD, by: caller.name, trace })
  })
]
