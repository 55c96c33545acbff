import {
  OapError,
  integer,
  object,
  optional,
  parseCid,
  parseJson,
  storageService,
  text
} from '../../protocols/index.ts'
import type { CallOptions, JsonObject, UploadOptions } from '../../protocols/index.ts'
import { atMost } from './exchange.ts'
import type { Opened } from './exchange.ts'
import type { HttpParts } from './http-wire.ts'
import { answerOf } from './mailbox-json.ts'

const MAX_ANSWER_BYTES = 65_536
/** What is gathered of a body where it cannot be sent while it is made. */
const MOST_GATHERED_BYTES = 64 * 1_048_576

const HEAD = object({
  offset: integer(0, Number.MAX_SAFE_INTEGER),
  length: integer(0, Number.MAX_SAFE_INTEGER),
  total_len: integer(0, Number.MAX_SAFE_INTEGER),
  content_type: optional(text(127))
})

/** `get` with its proof: the body is what `dagVerifier` reads, as over OAP. */
export async function getBlob(
  { exchange }: HttpParts,
  { cid, offset, length }: { readonly cid: string; readonly offset?: number; readonly length?: number },
  call: CallOptions
): Promise<unknown> {
  const path = withQuery(`/storage/v1/${pathOf(cid)}`, { form: 'dag', offset, length })
  const { headers, pieces } = await exchange.open({ method: 'GET', path }, call)
  try {
    const said = parseJson(new TextEncoder().encode(headers.get('x-blob-head') ?? ''))
    return { head: HEAD.read(said, 'x-blob-head'), body: pieces }
  } catch (cause) {
    await pieces.return?.()
    throw wrong('x-blob-head is missing or of another form; the node may be older than this client', cause)
  }
}

/** Which blobs are here, as the bits of an answer over OAP. */
export async function hasBlobs(
  { exchange }: HttpParts,
  { cids }: { readonly cids: readonly string[] },
  call: CallOptions
): Promise<unknown> {
  const { has } = await answered(
    await exchange.open(
      { method: 'POST', path: '/storage/v1/has', type: 'application/json', body: JSON.stringify({ cids }) },
      call
    )
  )
  if (!Array.isArray(has) || has.length !== cids.length) throw wrong('it does not answer for each blob')
  const bits = new Uint8Array(Math.ceil(has.length / 8))
  for (const [n, isHere] of has.entries()) if (isHere === true) bits[n >> 3]! |= 1 << (n & 7)
  return { body: bits }
}

interface PutRequest {
  readonly cid?: string
  readonly profile?: string
  readonly content_type?: string
  readonly class?: string
  readonly pin?: boolean
  readonly ttl_s?: number
}

/** Under the content id that it must have, where that is said, else as what it is. */
export async function putBlob(
  { exchange, streamsUp }: HttpParts,
  { cid, content_type: type, pin, ...asks }: PutRequest,
  call: UploadOptions
): Promise<unknown> {
  const where = cid === undefined ? '/storage/v1/blobs' : `/storage/v1/${pathOf(cid)}`
  const path = withQuery(where, { ...asks, pin: pin === true ? '1' : undefined })
  const source = new Source(call.body ?? [])
  const body = source.whole ?? (streamsUp ? source.stream() : await source.gathered())
  try {
    const method = cid === undefined ? 'POST' : 'PUT'
    const { pieces } = await exchange.open({ method, path, type, body }, call)
    return answerOf(await atMost(pieces, MAX_ANSWER_BYTES), storageService.operations.put.answer)
  } catch (error) {
    throw source.fault === undefined ? error : source.fault.error
  }
}

/** A body to send, in the form that requests take. */
class Source {
  /** What the application's own pieces failed with: that is what ended the request. */
  fault: { readonly error: unknown } | undefined
  /** Where it is one piece that can be sent again. */
  readonly whole: Uint8Array | undefined
  readonly #body: AsyncIterable<Uint8Array> | Iterable<Uint8Array>

  constructor(body: AsyncIterable<Uint8Array> | Iterable<Uint8Array>) {
    this.#body = body
    if (Array.isArray(body) && body.length <= 1) this.whole = (body[0] as Uint8Array) ?? new Uint8Array()
  }

  /** Nothing is asked for before it can be sent. */
  stream(): ReadableStream<Uint8Array> {
    let pieces: AsyncIterator<Uint8Array> | Iterator<Uint8Array> | undefined
    return new ReadableStream<Uint8Array>(
      {
        pull: async controller => {
          try {
            const piece = await (pieces ??= this.#begun()).next()
            if (piece.done === true) controller.close()
            else controller.enqueue(piece.value)
          } catch (error) {
            this.fault = { error }
            controller.error(error)
          }
        },
        cancel: async () => void (await pieces?.return?.())
      },
      { highWaterMark: 0 }
    )
  }

  /** @throws OapError `body_oversize` */
  async gathered(): Promise<Blob> {
    const pieces = this.#begun()
    const parts: Uint8Array[] = []
    let length = 0
    for (let piece = await pieces.next(); piece.done !== true; piece = await pieces.next()) {
      length += piece.value.length
      if (length > MOST_GATHERED_BYTES) {
        await pieces.return?.()
        throw new OapError(
          'body_oversize',
          `a browser sends at most ${MOST_GATHERED_BYTES} bytes of pieces over HTTP; give bytes, or the multiaddr of the node as url`
        )
      }
      parts.push(piece.value.slice())
    }
    return new Blob(parts as BlobPart[])
  }

  #begun(): AsyncIterator<Uint8Array> | Iterator<Uint8Array> {
    const body = this.#body
    return Symbol.asyncIterator in body ? body[Symbol.asyncIterator]() : body[Symbol.iterator]()
  }
}

/** Judged here, as what is none would be a path of another meaning. @throws OapError `bad_cid` */
function pathOf(cid: string): string {
  parseCid(cid)
  return encodeURIComponent(cid)
}

function withQuery(path: string, asks: Readonly<Record<string, string | number | undefined>>): string {
  const said = Object.entries(asks).filter(([, value]) => value !== undefined)
  const query = new URLSearchParams(said.map(([name, value]) => [name, String(value)])).toString()
  return query === '' ? path : `${path}?${query}`
}

async function answered({ pieces }: Opened): Promise<JsonObject> {
  const bytes = await atMost(pieces, MAX_ANSWER_BYTES)
  try {
    return parseJson(bytes)
  } catch (cause) {
    throw wrong('it is not one JSON object', cause)
  }
}

const wrong = (what: string, cause?: unknown): OapError =>
  new OapError('upstream', `the answer has not the form that it should have: ${what}`, {
    retryable: false,
    cause
  })
