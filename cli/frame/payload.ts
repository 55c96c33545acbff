import {
  ERRORS,
  FLAG,
  HEADER_BYTES,
  KIND_MASK,
  OapError,
  checkZstdFrame,
  decodePayload,
  isErrorCode,
  parseJson
} from '../../protocols/index.ts'
import type { Frame, Json, JsonObject } from '../../protocols/index.ts'
import { registryRow } from '../registry-names.ts'
import { bytesText } from '../quantity.ts'
import type { ExplainedField } from './explain.ts'
import { field, isErrorCodeNumber } from './header-fields.ts'

export interface ExplainedPayload {
  readonly fields: readonly ExplainedField[]
  /** What the payload shows the frame to be. */
  readonly about?: string
  readonly problem?: string
}

/** What stands behind the header, as far as a node may look. @see specs/oap-1.md, sections 6, 8 and 9 */
export function explainPayload(frame: Frame): ExplainedPayload {
  const cap =
    frame.capLength === 0
      ? []
      : [field(frame, 'cap', HEADER_BYTES, frame.capLength, `capability, ${bytesText(frame.capLength)}`)]
  const { fields, ...rest } = judged(frame)
  return { fields: [...cap, ...fields], ...rest }
}

function judged(frame: Frame): ExplainedPayload {
  try {
    return formOf(frame)
  } catch (error) {
    if (!(error instanceof OapError)) throw error
    return {
      fields: [plain(frame, 'not readable')],
      problem: `${error.code} (${error.status}): ${error.message}`
    }
  }
}

function formOf(frame: Frame): ExplainedPayload {
  const { flags, app, code } = frame
  const kind = flags & KIND_MASK
  if (kind === FLAG.RESP && isErrorCodeNumber(code)) return errorAnswer(frame)
  if (app === 0) return kind === FLAG.RESP ? helloAnswer(frame) : control(frame)
  if (kind === FLAG.REQ && (flags & FLAG.START) !== 0) return request(frame)
  if (frame.payloadBytes === 0) return { fields: [] }
  return bytes(frame, at(frame), frame.payloadBytes, 'payload')
}

const at = ({ capLength }: Frame): number => HEADER_BYTES + capLength

const plain = (frame: Frame, value: string): ExplainedField =>
  field(frame, 'payload', at(frame), frame.payloadBytes, `${value}, ${bytesText(frame.payloadBytes)}`)

const jsonField = (frame: Frame, value: JsonObject): ExplainedField =>
  field(frame, 'payload', at(frame), frame.payloadBytes, `JSON ${JSON.stringify(value)}`)

const CONTROL: ReadonlyMap<Json, string> = new Map([
  ['cancel', 'a cancel of another call'],
  ['credit', 'credit for a subscription']
])

function control(frame: Frame): ExplainedPayload {
  if ((frame.flags & (FLAG.COMP | FLAG.APP_E2E)) !== 0) {
    throw new OapError('bad_payload', 'COMP and APP_E2E have no place on control')
  }
  if (frame.payloadBytes === 0) return { fields: [], about: 'a HELLO that asks for nothing' }
  const object = parseJson(frame.payload)
  const { op } = object
  if (op === undefined) return { fields: [jsonField(frame, object)], about: 'a HELLO' }
  const about = CONTROL.get(op)
  if (about !== undefined) return { fields: [jsonField(frame, object)], about }
  const problem = `unknown_operation (404): control has no operation ${JSON.stringify(op)}`
  return { fields: [jsonField(frame, object)], problem }
}

function helloAnswer(frame: Frame): ExplainedPayload {
  return { fields: [jsonField(frame, parseJson(frame.payload))], about: 'the answer to a HELLO' }
}

function errorAnswer(frame: Frame): ExplainedPayload {
  const object = lenient(frame)
  const about = 'an error answer'
  if (object === undefined)
    return { about, fields: [plain(frame, 'no error object; the status alone counts')] }
  const name = object['code'] ?? object['error']
  const meaning = isErrorCode(name) ? `: ${ERRORS[name].message}` : ''
  return {
    about: `${about}, ${typeof name === 'string' ? name : 'without a code'}${meaning}`,
    fields: [jsonField(frame, object)]
  }
}

function lenient(frame: Frame): JsonObject | undefined {
  try {
    return parseJson(frame.payload)
  } catch {
    return undefined
  }
}

/** A service outside the core range need not be described by a table: there an unknown form is opaque, not wrong. */
const isTableService = (app: number): boolean => registryRow(app)?.range === 'core'

function request(frame: Frame): ExplainedPayload {
  const form = requestForm(frame)
  if (form === undefined) return { fields: [plain(frame, 'opaque: neither a record nor a JSON object')] }
  const { header, body, isRecord } = form
  const about = `a request for ${nameOf(header['op'])}`
  if (!isRecord) {
    if ((frame.flags & (FLAG.COMP | FLAG.APP_E2E)) === 0) return { about, fields: [jsonField(frame, header)] }
    throw new OapError('bad_payload', 'COMP and APP_E2E need a record: the JSON form has no body')
  }
  const from = at(frame)
  const headerBytes = frame.payloadBytes - body.length - 3
  const behind = bytes(frame, from + 3 + headerBytes, body.length, 'record body')
  const fields = [
    field(frame, 'record mark', from, 1, 'a record follows'),
    field(frame, 'header_len', from + 1, 2, String(headerBytes)),
    field(frame, 'record header', from + 3, headerBytes, `JSON ${JSON.stringify(header)}`),
    ...behind.fields
  ]
  const problem = behind.problem ?? missingOp(header['op'])
  return { about, fields, ...(problem !== undefined && { problem }) }
}

function requestForm(frame: Frame): ReturnType<typeof decodePayload> | undefined {
  try {
    return decodePayload(frame.payload)
  } catch (error) {
    if (isTableService(frame.app)) throw error
    return undefined
  }
}

const nameOf = (op: Json | undefined): string =>
  typeof op === 'string' ? JSON.stringify(op) : 'no operation'

const missingOp = (op: Json | undefined): string | undefined =>
  typeof op === 'string' ? undefined : 'unknown_operation (400): the header names no operation in "op"'

/** Body bytes, which nobody but the service understands. A sealed body is not even shown. */
function bytes(frame: Frame, offset: number, count: number, name: string): ExplainedPayload {
  const isSealed = (frame.flags & FLAG.APP_E2E) !== 0
  const isCompressed = (frame.flags & FLAG.COMP) !== 0
  if (isSealed) {
    const value = `sealed between applications, ${bytesText(count)}`
    return { fields: [{ offset, bytes: count, hex: '', name, value }] }
  }
  if (isCompressed) {
    const problem = zstdProblem(frame.bytes.subarray(frame.start + offset, frame.start + offset + count))
    const value = `one zstd frame, ${bytesText(count)}`
    return { fields: [field(frame, name, offset, count, value)], ...(problem !== undefined && { problem }) }
  }
  if (count === 0) return { fields: [] }
  return { fields: [field(frame, name, offset, count, preview(frame, offset, count))] }
}

function zstdProblem(body: Uint8Array): string | undefined {
  try {
    checkZstdFrame(body)
    return undefined
  } catch (error) {
    if (error instanceof OapError) return `${error.code} (${error.status}): ${error.message}`
    throw error
  }
}

const PREVIEW_BYTES = 64

function preview({ bytes: all, start }: Frame, offset: number, count: number): string {
  const from = start + offset
  const text = Buffer.from(all.subarray(from, from + Math.min(count, PREVIEW_BYTES))).toString('latin1')
  const size = bytesText(count)
  return /^[\x20-\x7e]*$/.test(text)
    ? `${JSON.stringify(text)}${count > PREVIEW_BYTES ? '...' : ''}, ${size}`
    : size
}
