import { OapError, encodeJson, parseJson } from '../../protocols/index.ts'
import type { Json, JsonObject, PayloadCodec } from '../../protocols/index.ts'
import { fromBase64, toBase64 } from './base64.ts'
import { joinedBytes } from './exchange.ts'

/** Messages of 1 MiB in all, each character of them escaped, with what is said of them. */
export const MAX_ANSWER_BYTES = 16 * 1_048_576
const MAX_VALUES = 1_000_000

const utf8 = new TextEncoder()

/** What a request to the mailbox says, as JSON has it: bodies in base64. */
export function requestJson(request: object, more: JsonObject): Uint8Array {
  const { items, ...members } = request as Readonly<Record<string, unknown>>
  const isBatch = Array.isArray(items) && items.some(item => 'body' in (item as object))
  const packedItems = isBatch ? items.map(item => packed(item as object)) : items
  return utf8.encode(
    JSON.stringify({ ...packed(members), ...(items !== undefined && { items: packedItems }), ...more })
  )
}

/**
 * What an answer or event of the mailbox says, judged as it is where it comes over OAP.
 * @throws OapError `upstream` for one of another form
 */
export function answerOf<T>(bytes: Uint8Array, codec: PayloadCodec<T>): T {
  try {
    const { ok: _, ...members } = parseJson(bytes, { maxBytes: MAX_ANSWER_BYTES, maxValues: MAX_VALUES })
    if (codec.form === 'json') return codec.decode(encodeJson(members))
    const { items } = members
    const value = Array.isArray(items)
      ? { ...members, items: items.map(item => unpacked(item as JsonObject)) }
      : unpacked(members)
    const { head, body } = codec.encode(value as T)
    return codec.decode(joinedBytes([head, body], head.length + body.length))
  } catch (cause) {
    throw new OapError('upstream', 'the answer has not the form that it should have', {
      retryable: false,
      cause
    })
  }
}

function packed(members: object): object {
  const { body, ...rest } = members as Readonly<Record<string, unknown>>
  return body instanceof Uint8Array ? { ...rest, body_b64: toBase64(body) } : members
}

function unpacked({ body, body_b64: base64, ...rest }: JsonObject): object {
  const bytes = base64 === undefined ? utf8.encode(textOf(body ?? '')) : fromBase64(textOf(base64))
  return { ...rest, body: bytes }
}

function textOf(value: Json): string {
  if (typeof value !== 'string') throw new TypeError('a body is a text')
  return value
}
