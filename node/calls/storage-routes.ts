import Type from 'typebox'
import { cidText, parseCid, parseJson, storageService } from '../../protocols/index.ts'
import type { StreamedResult } from '../../protocols/index.ts'
import { isJsonType } from '../ams/routes/body.ts'
import { NO_QUERY, query } from '../ams/routes/query.ts'
import { Problem } from '../ams/routes/problem.ts'
import { done } from '../ams/routes/schemas.ts'
import { byteRange } from '../gateway/byte-range.ts'
import { isNamed } from '../gateway/etag.ts'
import { NO_PIECES, callRoute } from './route.ts'
import type { CallAnswer, CallAsked, CallRoute } from './route.ts'
import { roleFor } from './stand-in.ts'

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

/** A number of bytes of a blob, which can be longer than any other number of a query. */
const bytesOf = (least: '0' | '1', description: string) =>
  Type.Optional(Type.String({ pattern: `^(?:${least === '0' ? '0|' : ''}[1-9][0-9]{0,14})$`, description }))

const GET_QUERY = query({
  form: Type.Optional(
    Type.Enum(['dag'], { description: 'The bytes with what proves them, block by block.' })
  ),
  offset: bytesOf('0', 'With form=dag: the first byte that is wanted.'),
  length: bytesOf('1', 'With form=dag: how many bytes are wanted.')
})

const BLOCKS = 'application/vnd.omnigate.dag'
const HAS_BYTES = 131_072
const KEPT = done({ cid: Type.String(), len: Type.Integer() })

/** Blobs by their content id. @see specs/http.md, section 5 */
export const STORAGE: readonly CallRoute[] = [
  callRoute({
    method: 'GET',
    path: '/storage/v1/{cid}',
    role: 'read',
    verb: 'storage:get',
    query: GET_QUERY,
    statuses: [200, 206, 304],
    gives: 'application/octet-stream',
    summary: 'The bytes of a blob, or a range of them.',
    answer: async (_, asked) => {
      const { form, offset, length } = asked.query
      if (form === 'dag') return proved(asked)
      if ((offset ?? length) !== undefined)
        throw new Problem('bad_query', 'offset, length: only with form=dag; else ask for a Range')
      return blob(asked)
    }
  }),
  callRoute({
    method: 'POST',
    path: '/storage/v1/has',
    role: roleFor('storage:has'),
    verb: 'storage:has',
    takes: 'json',
    maxBodyBytes: HAS_BYTES,
    query: NO_QUERY,
    statuses: [200],
    body: Type.Object({ cids: Type.Array(Type.String(), { minItems: 1, maxItems: 1024 }) }),
    gives: done({ has: Type.Array(Type.Boolean()) }),
    summary: 'Which of `cids` are here for this caller, as a list of true and false.',
    answer: async (_, { calls, options, body, header }) => {
      if (!isJsonType(header('content-type') ?? ''))
        throw new Problem('unsupported_media_type', 'Content-Type: give application/json')
      const request = parseJson(body, { maxBytes: body.length })
      const { body: bits = NO_BITS } = await calls(storageService, 'has')(request as never, options)
      const { length } = request['cids'] as readonly string[]
      return { status: 200, body: { has: Array.from({ length }, (_each, n) => isSet(bits, n)) } }
    }
  }),
  callRoute({
    method: 'POST',
    path: '/storage/v1/blobs',
    role: 'write',
    verb: 'storage:put',
    effect: storageService.operations.put,
    takes: 'bytes',
    isStreamed: true,
    maxBodyBytes: MOST_BYTES,
    query: PUT_QUERY,
    statuses: [200, 201],
    gives: KEPT,
    summary: 'Keeps the body and says its content id; 200 where the tenant had it.',
    answer: (_, asked) => kept(asked)
  }),
  callRoute({
    method: 'PUT',
    path: '/storage/v1/{cid}',
    role: 'write',
    verb: 'storage:put',
    effect: storageService.operations.put,
    takes: 'bytes',
    isStreamed: true,
    maxBodyBytes: MOST_BYTES,
    query: PUT_QUERY,
    statuses: [200, 201],
    gives: KEPT,
    summary: 'Keeps the body, if its content id is the one in the path; 200 where the tenant had it.',
    answer: (_, asked) => kept(asked, idOf(asked.name))
  })
]

interface PutQuery {
  readonly class?: string
  readonly pin?: string
  readonly profile?: string
  readonly ttl_s?: number
}

/** @throws OapError `bad_digest` where the bytes are not those of `asked` */
async function kept(
  { calls, options, pieces, query: asks, header }: CallAsked<PutQuery>,
  asked?: string
): Promise<CallAnswer> {
  const { class: storageClass, profile, ttl_s } = asks
  const type = header('content-type')
  if (type !== undefined && (type.length > 127 || !MEDIA_TYPE.test(type)))
    throw new Problem('unsupported_media_type', 'Content-Type: give a media type of at most 127 characters')
  const { cid, len, duplicate } = await calls(storageService, 'put')(
    {
      ...(asked !== undefined && { cid: asked }),
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

const NO_BITS = new Uint8Array()
const isSet = (bits: Uint8Array, n: number): boolean => (((bits[n >> 3] ?? 0) >> (n & 7)) & 1) === 1

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

/** The body that proves itself, as over OAP, under its head. It is no representation that a cache could keep. */
async function proved({
  name,
  query: { offset, length },
  isHead,
  calls,
  options
}: CallAsked<{ readonly offset?: string; readonly length?: string }>): Promise<CallAnswer> {
  const range = {
    ...(offset !== undefined && { offset: Number(offset) }),
    ...(length !== undefined && { length: Number(length) })
  }
  const { head, body } = await calls(storageService, 'get')({ cid: idOf(name), ...range }, options)
  if (isHead) await body[Symbol.asyncIterator]().return?.()
  return {
    status: 200,
    headers: {
      'content-type': BLOCKS,
      'content-disposition': 'attachment',
      'x-blob-head': JSON.stringify({ ...head, cid: undefined, body: undefined })
    },
    bytes: { pieces: isHead ? NO_PIECES : body }
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
