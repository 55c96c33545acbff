import { FLAG, HEADER_BYTES, encodeRecord } from 'omnigate/protocols'
import type { JsonObject } from 'omnigate/protocols'

const { REQ, START, END } = FLAG
export const CALL = REQ | START | END
export const OPEN = REQ | START

export interface RawFrame {
  /** Bytes after the length field, when it shall lie. */
  readonly len?: number
  readonly ver?: number
  readonly flags?: number
  readonly code?: number
  readonly app?: number
  readonly tenant?: Uint8Array
  readonly capLen?: number
  readonly corr?: bigint
  readonly cap?: Uint8Array
  readonly payload?: Uint8Array | string
}

/** A frame with any field as wrong as its writer wants it. */
export function rawFrame(fields: RawFrame): Uint8Array {
  const { ver = 1, flags = CALL, code = 0, app = 1, corr = 1n, cap = new Uint8Array(0) } = fields
  const payload =
    typeof fields.payload === 'string' ? Buffer.from(fields.payload) : (fields.payload ?? new Uint8Array(0))
  const bytes = Buffer.alloc(HEADER_BYTES + cap.length + payload.length)
  bytes.writeUInt32LE(fields.len ?? bytes.length - 4, 0)
  bytes[4] = ver
  bytes.writeUInt16LE(flags, 5)
  bytes.writeUInt16LE(code, 7)
  bytes.writeUInt16LE(app, 9)
  bytes.set(fields.tenant ?? new Uint8Array(16), 11)
  bytes.writeUInt16LE(fields.capLen ?? cap.length, 27)
  bytes.writeBigUInt64LE(corr, 29)
  bytes.set(cap, HEADER_BYTES)
  bytes.set(payload, HEADER_BYTES + cap.length)
  return bytes
}

/** A frame whose payload is a JSON object, or a record when there is a body. */
export function request(
  header: JsonObject,
  fields: RawFrame & { readonly body?: Uint8Array } = {}
): Uint8Array {
  const { body, ...rest } = fields
  const payload = body === undefined ? JSON.stringify(header) : encodeRecord(header, body)
  return rawFrame({ payload, ...rest })
}

export const echoCall = (corr: bigint, body: Uint8Array = Buffer.from('hi')): Uint8Array =>
  request({ op: 'echo' }, { corr, body })
