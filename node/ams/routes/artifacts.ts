import type { Artifact } from '../../stores/ams/index.ts'
import { formatCursor } from '../cursor.ts'
import { readPostedArtifact } from '../read-artifact.ts'
import { readObject } from './body.ts'
import { opened, withRoom } from './opened.ts'
import { payloadHeaders } from './payload-headers.ts'
import type { AmsParts } from './parts.ts'
import { Problem } from './problem.ts'
import { CURSOR, FLAG, NO_QUERY, limitOf, placeOf, query } from './query.ts'
import { route } from './route.ts'
import type { AmsRoute, Answer } from './route.ts'
import { ARTIFACT, NEW_ARTIFACT, ONE_ARTIFACT, pageOf as pageSchema } from './schemas.ts'

const MAX_BODY_BYTES = 2 * 1024 * 1024
const KEY = /^[A-Za-z0-9][A-Za-z0-9._:@-]{0,199}$/
const MAX_TYPE_CHARS = 128
const BYTES = 'application/octet-stream'

export const ARTIFACTS: readonly AmsRoute[] = [
  route({
    method: 'GET',
    path: '/ams/v1/artifacts',
    role: 'read',
    query: query({ limit: limitOf(100, 500), cursor: CURSOR }),
    statuses: [200],
    gives: pageSchema(ARTIFACT),
    summary: 'What is known of artifacts, the one that changed last first.',
    answer: async (parts, { query: { limit, cursor } }) => {
      const found = await opened(parts).artifacts.list({ before: placeOf(cursor), limit })
      const next = found.length === limit ? formatCursor(found.at(-1)!.update) : null
      return { status: 200, body: { ok: true, items: found.map(artifactBody), nextCursor: next } }
    }
  }),
  route({
    method: 'POST',
    path: '/ams/v1/artifacts',
    role: 'write',
    takes: 'json',
    maxBodyBytes: MAX_BODY_BYTES,
    query: NO_QUERY,
    statuses: [200, 201],
    body: NEW_ARTIFACT,
    gives: ONE_ARTIFACT,
    summary: 'Keeps an artifact whose bytes stand in JSON: as text, as base64, or as JSON itself.',
    answer: async (parts, { body, caller, trace }) => {
      const { key = `art_${parts.newUlid()}`, bytes, ...known } = readPostedArtifact(readObject(body))
      return await kept(parts, { ...known, key: checkedKey(key, 400), by: caller.name, trace }, bytes)
    }
  }),
  route({
    method: 'GET',
    path: '/ams/v1/artifacts/{key}',
    role: 'read',
    query: query({ payload: FLAG('The bytes, and not what is known of them.') }),
    statuses: [200, 304],
    gives: ONE_ARTIFACT,
    givesBytes: true,
    summary: 'What is known of an artifact, or its bytes.',
    answer: async (parts, { name, query: { payload }, ifNoneMatch }) => {
      const { artifacts } = opened(parts)
      const artifact = await artifacts.get(checkedKey(name, 404))
      if (artifact === undefined) throw notFound()
      if (payload === undefined) return { status: 200, body: { ok: true, artifact: artifactBody(artifact) } }
      const headers = payloadHeaders(artifact)
      if (isNamed(ifNoneMatch, headers['etag']!)) return { status: 304, headers }
      const found = await artifacts.read(name)
      if (found === undefined) throw notFound()
      return { status: 200, bytes: found.bytes, headers: payloadHeaders(found.artifact) }
    }
  }),
  route({
    method: 'PUT',
    path: '/ams/v1/artifacts/{key}',
    role: 'write',
    takes: 'bytes',
    maxBodyBytes: MAX_BODY_BYTES,
    query: NO_QUERY,
    statuses: [200, 201],
    gives: ONE_ARTIFACT,
    summary: 'Keeps the body, as it is, as an artifact; 200 where one was there under its key.',
    answer: async (parts, { name, body, contentType = BYTES, caller, trace }) => {
      if (contentType.length > MAX_TYPE_CHARS)
        throw new Problem('too_long', `Content-Type: longer than ${MAX_TYPE_CHARS} characters`)
      const known = {
        key: checkedKey(name, 400),
        content_type: contentType,
        note: '',
        by: caller.name,
        trace
      }
      return await kept(parts, known, body)
    }
  })
]

interface Known {
  readonly key: string
  readonly content_type: string
  readonly note: string
  readonly by: string
  readonly trace: string | undefined
}

async function kept(parts: AmsParts, known: Known, bytes: Uint8Array): Promise<Answer> {
  const artifacts = withRoom(opened(parts).artifacts)
  const updated_at = new Date(parts.nowMs()).toISOString()
  const { isNew, artifact } = await artifacts.put({ ...known, updated_at }, bytes)
  return { status: isNew ? 201 : 200, body: { ok: true, artifact: artifactBody(artifact) } }
}

function artifactBody(artifact: Artifact): object {
  const { key, sha256, bytes, content_type, note, content_id, created_at, updated_at, by } = artifact
  return { key, sha256, bytes, content_type, note, content_id, created_at, updated_at, by }
}

function checkedKey(key: string, status: 400 | 404): string {
  if (KEY.test(key)) return key
  if (status === 404) throw notFound()
  throw new Problem(
    'bad_form',
    'key: give letters, digits and . _ : @ -, at most 200, a letter or digit first'
  )
}

const notFound = (): Problem => new Problem('not_found', 'no artifact here has this key')

const isNamed = (ifNoneMatch: string | undefined, etag: string): boolean =>
  ifNoneMatch !== undefined &&
  (ifNoneMatch.trim() === '*' || ifNoneMatch.split(',').some(tag => tag.trim().replace(/^W\//, '') === etag))
