import { encodeJson, recordPrefix } from '../protocols/index.ts'
import type { JsonObject, RequestCodec } from '../protocols/index.ts'

/** Members of a request's header, and its body. */
export interface AnyRequest {
  readonly members: JsonObject
  readonly body: Uint8Array | undefined
}

const EMPTY = new Uint8Array(0)

/** A header up to this length is remembered: callers repeat themselves. */
const MAX_KEPT_CHARS = 256
let last: { readonly key: string; readonly prefix: Uint8Array } | undefined

/** A request to an operation of which nobody here has the row: a record where there is a body, else a JSON object. */
export const anyRequest: RequestCodec<AnyRequest> = {
  takesBody: true,
  encode: (op, { members, body }, extra) => {
    const header = { ...members, op, ...extra }
    return body === undefined ? { head: encodeJson(header), body: EMPTY } : { head: prefixOf(header), body }
  },
  decode: (members, body) => ({ members, body })
}

function prefixOf(header: JsonObject): Uint8Array {
  const key = JSON.stringify(header)
  if (key === last?.key) return last.prefix
  const prefix = recordPrefix(header)
  if (key.length <= MAX_KEPT_CHARS) last = { key, prefix }
  return prefix
}

/** What `hub.call` was given, as a request. */
export function requestOf(
  payload: Uint8Array | JsonObject | undefined,
  { members, idemKey }: { readonly members?: JsonObject | undefined; readonly idemKey?: string | undefined }
): AnyRequest {
  const body = payload instanceof Uint8Array ? payload : undefined
  const own = payload instanceof Uint8Array ? undefined : payload
  return { members: { ...own, ...members, ...(idemKey !== undefined && { idem_key: idemKey }) }, body }
}
