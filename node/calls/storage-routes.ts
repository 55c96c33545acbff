import Type from 'typebox'
import { cidText, parseCid, storageService } from '../../protocols/index.ts'
import type { StreamedResult } from '../../protocols/index.ts'
import { NO_QUERY, query } from '../ams/routes/query.ts'
import { Problem } from '../ams/routes/problem.ts'
import { byteRange } from '../gateway/byte-range.ts'
import { isNamed } from '../gateway/etag.ts'
import { NO_PIECES, callRoute } from './route.ts'
import type { CallAnswer, CallAsked, CallRoute } from './route.ts'

const MEDIA_TYPE = /^[A-Za-z0-9!#$&^_.+-]+\/[A-Za-z0-9!#$&^_.+-]+(?: ?;[ -~]*)?$/
const TEXT = /^(?:text\/|application\/json\b|[^;]*\+json\b)/i

/** The row's own bound; a node sets a lower one. */
const MOST_BYTES = Number.MAX_SAFE_INTEGER

const PUT_QUERY = query({
  class: Type.Optional(Type.Enum(['private', 'federated', 'public'], { description: 'Who may have it.' })),
  pin: Type.Optional(Type.Enum(['1'], { description: 'Keeps it until it is unpinned.' })),
  profile: Type.Optional(
    Type.Enum(['omnigate-v1', 'unixfs-v1-2025'], { description: 'How its bytes are divided.' })
  ),
  ttl_s: Type.Optional(
    Type.Integer({ minimum: 1, maximum: 999_999_999, description: 'Seconds until it may be taken away.' })
  )
})

/** Blobs by their content id. @see specs/http.md, section 5 */
export const STORAGE: readonly CallRoute[] = [
  callRoute({
    method: 'GET',
    path: '/storage/v1/{cid}',
    role: 'read',
    verb: 'storage:get',
    query: NO_QUERY,
    statuses: [200, 206, 304],
    gives: 'application/octet-stream',
    summary: 'The bytes of a blob, or a range of them.',
    answer: async (_, asked) => await blob(asked)
  }),
  callRoute({
    method: 'PUT',
    path: '/storage/v1/{cid}',
    role: 'write',
    verb: 'storage:put',
    takes: 'bytes',
    isStreamed: true,
    maxBodyBytes: MOST_BYTES,
    query: PUT_QUERY,
    statuses: [200, 201],
    summary: 'Keeps the body, if its content id is the one in the path; 200 where the tenant had it.',
    answer: async (_, asked) => {
      const { calls, options, pieces, name, query: asks, header } = asked
      const { class: storageClass, profile, ttl_s } = asks
      const type = header('content-type')
      if (type !== undefined && (type.length > 127 || !MEDIA_TYPE.test(type)))
        throw new Problem(
          'unsupported_media_type',
          'Content-Type: give a media type of at most 127 characters'
        )
      const { cid, len, duplicate } = await calls(storageService, 'put')(
        {
          cid: idOf(name),
          ...(type !== undefined && { content_type: type }),
          ...(storageClass !== undefined && { class: storageClass as 'private' }),
          ...(asks.pin !== undefined && { pin: true }),
          ...(profile !== undefined && { profile: profile as 'omnigate-v1' }),
          ...(ttl_s !== undefined && { ttl_s })
        },
        { ...options, body: pieces }
      )
      return { status: duplicate === true ? 200 : 201, body: { cid, len }, headers: { etag: `"${cid}"` } }
    }
  })
]

/** The usual text of a content id. @throws OapError `bad_cid`, `unsupported_cid` */
const idOf = (name: string): string => cidText(parseCid(name))

type Get = StreamedResult<{
  readonly offset: number
  readonly length: number
  readonly total_len: number
  readonly content_type?: string
}>

async function blob(asked: CallAsked): Promise<CallAnswer> {
  const { name, isHead, header } = asked
  const cid = idOf(name)
  const etag = `"${cid}"`
  const get = (range: { readonly offset?: number; readonly length?: number }): Promise<Get> =>
    asked.calls(storageService, 'get')({ cid, form: 'raw', ...range }, asked.options) as Promise<Get>
  const isNamedHere = isNamed(header('if-none-match'), etag)
  const ifRange = header('if-range')
  const wanted = isHead || (ifRange !== undefined && ifRange !== etag) ? undefined : header('range')
  if (wanted === undefined && !isNamedHere && !isHead) return whole(await get({}), etag)

  // Whether the caller may see it, and how long it is, before anything else is said of it.
  const { total_len: total, content_type } = await known(get)
  const headers = headersOf(etag, content_type)
  if (isNamedHere) return { status: 304, headers }
  if (isHead) return { status: 200, headers, bytes: { length: total, pieces: NO_PIECES } }
  const range = byteRange(wanted, total)
  if (range === undefined) return whole(await get({}), etag)
  if (range === 'unsatisfiable') throw unsatisfiable(total)
  const { first, last } = range
  const found = await get({ offset: first, length: last - first + 1 })
  return {
    status: 206,
    headers: { ...headers, 'content-range': `bytes ${first}-${last}/${total}` },
    bytes: { length: found.head.length, pieces: found.body }
  }
}

async function known(get: (range: { length: number }) => Promise<Get>): Promise<Get['head']> {
  const { head, body } = await get({ length: 1 })
  await body[Symbol.asyncIterator]().return?.()
  return head
}

const whole = ({ head, body }: Get, etag: string): CallAnswer => ({
  status: 200,
  headers: headersOf(etag, head.content_type),
  bytes: { length: head.total_len, pieces: body }
})

/**
 * What stands over the bytes of a blob. Whoever put it there may have meant it for a browser to run: it is text, or bytes,
 * to be kept, and what it was said to be stands in `x-blob-type`. It is asked for anew each time, as a right can end.
 */
function headersOf(etag: string, type: string | undefined): Readonly<Record<string, string>> {
  return {
    'content-type':
      type !== undefined && TEXT.test(type) ? 'text/plain; charset=utf-8' : 'application/octet-stream',
    'content-disposition': 'attachment',
    'content-security-policy': "default-src 'none'; sandbox",
    'x-content-type-options': 'nosniff',
    ...(type !== undefined && { 'x-blob-type': type }),
    'accept-ranges': 'bytes',
    'cache-control': 'private, no-cache',
    etag
  }
}

const unsatisfiable = (total: number): Problem =>
  new Problem('bad_range', `Range: the blob has ${total} bytes`, {
    status: 416,
    headers: { 'content-range': `bytes */${total}` }
  })
