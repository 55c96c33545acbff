import { OapError } from './errors.ts'
import { readU16 } from './frame.ts'
import type { Frame } from './frame.ts'
import { MAX_JSON_BYTES, jsonText, parseJson } from './json.ts'
import type { JsonObject } from './json.ts'

const MARK = 0x00
const OPEN_BRACE = 0x7b
/** `00 | header_len u16 LE` before the header. */
export const RECORD_PREFIX_BYTES = 3

const EMPTY = new Uint8Array(0)
const utf8 = new TextEncoder()

/** A START payload taken apart: `isRecord` tells `00 | length | header | body` from a bare JSON object. */
export interface Payload {
  readonly header: JsonObject
  readonly body: Uint8Array
  readonly isRecord: boolean
}

/** The bytes of a record: a JSON header of at most 65,535 bytes and a raw body. */
export function encodeRecord(header: JsonObject, body: Uint8Array = EMPTY): Uint8Array {
  const prefix = recordPrefix(header)
  const bytes = new Uint8Array(prefix.length + body.length)
  bytes.set(prefix)
  bytes.set(body, prefix.length)
  return bytes
}

/** The bytes of a record that stand before its body. */
export function recordPrefix(header: JsonObject): Uint8Array {
  return recordPrefixOf(jsonText(header))
}

/** The same for a header that is text already. */
export function recordPrefixOf(json: string): Uint8Array {
  // Most headers are ASCII, and then as many bytes as characters.
  const prefix = new Uint8Array(RECORD_PREFIX_BYTES + json.length)
  const { read } = utf8.encodeInto(json, prefix.subarray(RECORD_PREFIX_BYTES))
  if (read === json.length) return marked(prefix)
  const bytes = utf8.encode(json)
  const longer = new Uint8Array(RECORD_PREFIX_BYTES + bytes.length)
  longer.set(bytes, RECORD_PREFIX_BYTES)
  return marked(longer)
}

function marked(prefix: Uint8Array): Uint8Array {
  const length = prefix.length - RECORD_PREFIX_BYTES
  if (length > 0xffff)
    throw new OapError('body_oversize', `a record header of ${length} bytes, at most 65535`)
  prefix[0] = MARK
  prefix[1] = length
  prefix[2] = length >>> 8
  return prefix
}

/** Takes a START payload apart. Throws `bad_payload` when it is neither form, `body_oversize` over 64 KiB of JSON. */
export function decodePayload(payload: Uint8Array): Payload {
  if (payload[0] === MARK) return decodeRecord(payload)
  if (payload[0] === OPEN_BRACE) return { header: parseJson(payload), body: EMPTY, isRecord: false }
  const first = payload[0] === undefined ? 'nothing' : `0x${payload[0].toString(16).padStart(2, '0')}`
  throw new OapError(
    'bad_payload',
    `the payload begins with ${first}; a record (0x00) or a JSON object ({) was expected`
  )
}

export function decodeRecord(payload: Uint8Array): Payload {
  if (payload[0] !== MARK) throw new OapError('bad_payload', 'a record begins with 0x00')
  const headerEnd = recordHeaderEnd(payload)
  const header = parseJson(payload.subarray(RECORD_PREFIX_BYTES, headerEnd), { maxBytes: MAX_JSON_BYTES })
  return { header, body: payload.subarray(headerEnd), isRecord: true }
}

/** Where a record's body begins. Throws `bad_payload` when the header is longer than the payload. */
export function recordHeaderEnd(payload: Uint8Array): number {
  const end = RECORD_PREFIX_BYTES + (payload.length < RECORD_PREFIX_BYTES ? Infinity : readU16(payload, 1))
  if (end <= payload.length) return end
  throw new OapError('bad_payload', 'the record is shorter than its header length says')
}

/** Headers in a row that were none of those known, after which only one in so many is remembered. */
const PATIENCE = 16

/**
 * Remembers how the last headers read, keyed by their bytes: callers repeat themselves. Where each has a key of its own
 * they do not, and remembering them would be most of the work.
 * Holds at most `slots` headers of at most `maxBytes`; results are shared, so they are frozen.
 */
export class HeaderCache {
  readonly #entries: { readonly bytes: Uint8Array; readonly header: JsonObject }[] = []
  readonly #slots: number
  readonly #maxBytes: number
  #turn = 0
  /** Since a header was known. */
  #unknown = 0

  constructor({ slots = 4, maxBytes = 256 } = {}) {
    this.#slots = slots
    this.#maxBytes = maxBytes
  }

  decode(payload: Uint8Array): Payload {
    return this.#known(payload, 0, payload.length) ?? this.#read(payload)
  }

  /** The same for the payload of a frame, without a view of it where its header is known. */
  decodeFrame(frame: Frame): Payload {
    return this.#known(frame.bytes, frame.payloadStart, frame.end) ?? this.#read(frame.payload)
  }

  #known(bytes: Uint8Array, from: number, to: number): Payload | undefined {
    if (to - from < RECORD_PREFIX_BYTES || bytes[from] !== MARK) return undefined
    const length = RECORD_PREFIX_BYTES + readU16(bytes, from + 1)
    for (const entry of this.#entries) {
      if (entry.bytes.length !== length || !startsWith(bytes, from, to, entry.bytes)) continue
      this.#unknown = 0
      return { header: entry.header, body: bytes.subarray(from + length, to), isRecord: true }
    }
    return undefined
  }

  #read(payload: Uint8Array): Payload {
    const decoded = decodePayload(payload)
    if (!decoded.isRecord) return decoded
    const end = payload.length - decoded.body.length
    const isWorthIt = ++this.#unknown <= PATIENCE || this.#unknown % PATIENCE === 0
    if (isWorthIt && end <= this.#maxBytes) this.#keep(payload.slice(0, end), deepFreeze(decoded.header))
    return decoded
  }

  #keep(bytes: Uint8Array, header: JsonObject): void {
    this.#entries[this.#turn] = { bytes, header }
    this.#turn = (this.#turn + 1) % this.#slots
  }
}

function startsWith(bytes: Uint8Array, from: number, to: number, prefix: Uint8Array): boolean {
  if (prefix.length > to - from) return false
  for (let i = 0; i < prefix.length; i++) if (bytes[from + i] !== prefix[i]) return false
  return true
}

function deepFreeze(value: JsonObject): JsonObject {
  for (const member of Object.values(value)) {
    if (typeof member === 'object' && member !== null) deepFreeze(member as JsonObject)
  }
  return Object.freeze(value)
}
