import { zstdDecompressSync } from 'node:zlib'
import { isDeepStrictEqual } from 'node:util'
import { vectorBytes } from '../../specs/index.ts'
import type { DecodedFrame } from '../../specs/index.ts'
import { ERRORS, isErrorCode, parseJson } from '../../protocols/index.ts'
import type { AnswerExpectation, FrameExpectation } from './vectors.ts'

const LOOKED_AT = ['REQ', 'RESP', 'EVENT', 'START', 'END']
const MAX_INFLATED_BYTES = 16 * 1024 * 1024

/** Why a frame is not the expected one; undefined when it is. */
export function frameFault(frame: DecodedFrame, expected: FrameExpectation): string | undefined {
  return FRAME_RULES.map(rule => rule(frame, expected)).find(fault => fault !== undefined)
}

type FrameRule = (frame: DecodedFrame, expected: FrameExpectation) => string | undefined

const FRAME_RULES: readonly FrameRule[] = [
  ({ flags }, { flags: wanted }) =>
    wanted && !sameFlags(flags, wanted) ? `flags ${flags.join('|')}` : undefined,
  ({ app }, { app: wanted }) => (wanted !== undefined && app !== wanted ? `app ${app}` : undefined),
  ({ code }, { code: wanted }) =>
    wanted !== undefined && !sameCode(code, wanted) ? `code ${code}` : undefined,
  ({ tenant }, { tenant: wanted }) =>
    wanted !== undefined && tenant !== wanted ? `tenant ${tenant}` : undefined,
  ({ payload }, { payload: wanted }) =>
    wanted !== undefined && !payload.equals(vectorBytes(wanted)) ? 'another payload' : undefined,
  ({ payload }, { json, json_most }) => (json || json_most ? jsonFault(payload, json, json_most) : undefined),
  (frame, { reason }) => (reason === undefined ? undefined : errorFault(frame, reason))
]

function sameFlags(flags: readonly string[], wanted: readonly string[]): boolean {
  const seen = flags.filter(flag => LOOKED_AT.includes(flag))
  return seen.length === wanted.length && wanted.every(flag => seen.includes(flag))
}

const sameCode = (code: number, wanted: number): boolean =>
  code === wanted || (wanted === 0 && code >= 200 && code <= 299)

function jsonFault(
  payload: Buffer,
  members: Readonly<Record<string, unknown>> = {},
  most: Readonly<Record<string, number>> = {}
): string | undefined {
  const object = jsonObject(payload)
  if (object === undefined) return 'a payload that is not one JSON object'
  const other = Object.keys(members).find(name => !isDeepStrictEqual(object[name], members[name]))
  if (other !== undefined) return `${other} ${JSON.stringify(object[other])}`
  const outside = Object.keys(most).find(name => !isInteger(object[name], 1, most[name]!))
  return outside === undefined ? undefined : `${outside} ${JSON.stringify(object[outside])}`
}

const isInteger = (value: unknown, least: number, most: number): boolean =>
  Number.isSafeInteger(value) && Number(value) >= least && Number(value) <= most

// Strict: senders keep the rules of oap-1.md, section 8.2, too.
function jsonObject(payload: Buffer): Record<string, unknown> | undefined {
  try {
    return parseJson(payload)
  } catch {
    return undefined
  }
}

/** The members that every error answer has: oap-1.md, section 9.1. */
function errorFault({ flags, code, corr_id, payload }: DecodedFrame, reason: string): string | undefined {
  const error = jsonObject(payload)
  if (!sameFlags(flags, ['RESP', 'END'])) return `an error with flags ${flags.join('|')}`
  if (error === undefined) return 'an error whose payload is not one JSON object'
  if (error['code'] !== reason) return `reason ${JSON.stringify(error['code'])}`
  const { message, retryable, retry_after_ms } = error
  if (typeof message !== 'string' || /[\r\n]/.test(message)) return 'a message that is not one line'
  if (Buffer.byteLength(message) > 1024) return 'a message of more than 1,024 bytes'
  if (retryable !== (isErrorCode(reason) && ERRORS[reason].retryable))
    return `retryable ${JSON.stringify(retryable)}`
  if (error['corr_id'] !== corr_id) return `corr_id ${JSON.stringify(error['corr_id'])}`
  const waits = code === 429 || code === 503
  const rightTime = waits ? isInteger(retry_after_ms, 1000, 5000) : retry_after_ms === undefined
  return rightTime ? undefined : `retry_after_ms ${JSON.stringify(retry_after_ms)}`
}

/** Why the frames of one answer are not the expected ones; undefined when they are. */
export function answerFault(
  frames: readonly DecodedFrame[],
  expected: AnswerExpectation
): string | undefined {
  const last = frames.at(-1)
  const responses = frames.filter(frame => frame.flags.includes('RESP'))
  if (last === undefined) return 'no answer'
  if (!sameCode(last.code, expected.code)) return `code ${last.code}`
  if (expected.reason !== undefined) return tenantFault(frames, expected) ?? errorFault(last, expected.reason)
  return (
    tenantFault(frames, expected) ??
    longFault(responses, expected) ??
    flagsFault(responses, expected) ??
    eventsFault(frames, expected) ??
    bodyFault(responses, expected)
  )
}

function tenantFault(frames: readonly DecodedFrame[], { tenant }: AnswerExpectation): string | undefined {
  const other = frames.find(frame => tenant !== undefined && frame.tenant !== tenant)
  return other && `a frame with tenant ${other.tenant}`
}

function longFault(
  responses: readonly DecodedFrame[],
  { max_payload = Infinity }: AnswerExpectation
): string | undefined {
  const long = responses.find(frame => frame.payload.length > max_payload)
  return long && `a RESP frame of ${long.payload.length} payload bytes`
}

function flagsFault(
  responses: readonly DecodedFrame[],
  { all_flags = [] }: AnswerExpectation
): string | undefined {
  const plain = responses.find(frame => !all_flags.every(flag => frame.flags.includes(flag)))
  return plain && `a RESP frame with flags ${plain.flags.join('|')}`
}

function eventsFault(frames: readonly DecodedFrame[], { events }: AnswerExpectation): string | undefined {
  if (events === undefined) return undefined
  const came = frames.filter(frame => frame.flags.includes('EVENT')).map(frame => jsonObject(frame.payload))
  return isDeepStrictEqual(came, events) ? undefined : `events ${JSON.stringify(came).slice(0, 200)}`
}

function bodyFault(
  responses: readonly DecodedFrame[],
  { body, inflate = false }: AnswerExpectation
): string | undefined {
  if (body === undefined) return undefined
  const came = Buffer.concat(responses.map(frame => (inflate ? inflated(frame) : frame.payload)))
  return came.equals(vectorBytes(body)) ? undefined : `another body, of ${came.length} bytes`
}

function inflated({ flags, payload }: DecodedFrame): Buffer {
  if (!flags.includes('COMP')) return payload
  return zstdDecompressSync(payload, { maxOutputLength: MAX_INFLATED_BYTES })
}
