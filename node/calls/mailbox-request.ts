import { MAILBOX_LIMITS, OapError, decodeRecord, parseJson } from '../../protocols/index.ts'
import type { Json, JsonObject } from '../../protocols/index.ts'
import { Problem } from '../ams/routes/problem.ts'
import { isJsonType } from '../ams/routes/body.ts'

/** A record as OAP has it: header and body in one. */
export const RECORD_TYPE = 'application/vnd.oap.record'
/** Bodies of `send` that are the message itself. */
const RAW = /^(?:application\/octet-stream|text\/plain)(?:\s*;|\s*$)/i
const RECORD = /^application\/vnd\.oap\.record\s*$/i

/** Members and items of one body in all. */
const MAX_VALUES = 65_536
/** The attribute of a message that says of which trace it is. */
const TRACE = 'traceparent'
const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/

export interface SentRequest {
  readonly op: string
  readonly contentType: string | undefined
  readonly body: Uint8Array
  /** `topic` of the query. */
  readonly topic: string | undefined
  /** The W3C traceparent of the request. */
  readonly trace?: string | undefined
}

/** What an operation of the mailbox is asked, as its row takes it; the members are not judged. */
export interface MailboxRequest {
  readonly request: JsonObject
  readonly deadlineMs: number | undefined
  readonly isE2e: boolean
}

/**
 * Reads the body of a request: JSON, and for `send` also a record or the message itself. Messages without a trace have that
 * of the request.
 * @throws Problem `unsupported_media_type`. OapError `bad_payload`, `bad_request`.
 */
export function mailboxRequest(sent: SentRequest): MailboxRequest {
  const { deadline_ms: deadlineMs, e2e, ...members } = membersOf(sent)
  const { topic } = sent
  if (topic !== undefined && members['topic'] !== undefined && members['topic'] !== topic)
    throw new OapError('bad_request', 'topic: the query and the body name two')
  if (deadlineMs !== undefined && typeof deadlineMs !== 'number') throw bad('deadline_ms', 'milliseconds')
  if (e2e !== undefined && typeof e2e !== 'boolean') throw bad('e2e', 'true or false')
  const named = topic === undefined ? members : { ...members, topic }
  const request = sent.trace === undefined ? named : withTrace(sent.op, named, sent.trace)
  return { request, deadlineMs, isE2e: e2e === true }
}

function membersOf({ op, contentType = '', body }: SentRequest): JsonObject {
  if (isJsonType(contentType))
    return bodies(op, parseJson(body, { maxBytes: body.length, maxValues: MAX_VALUES }))
  if (op === 'send' && RECORD.test(contentType)) return ofRecord(body)
  if (op === 'send' && RAW.test(contentType)) return { body } as unknown as JsonObject
  const others = op === 'send' ? `, ${RECORD_TYPE}, application/octet-stream or text/plain` : ''
  throw new Problem('unsupported_media_type', `Content-Type: give application/json${others}`)
}

function ofRecord(bytes: Uint8Array): JsonObject {
  const { header, body } = decodeRecord(bytes)
  return { ...header, body } as unknown as JsonObject
}

/** The same members with bytes in the place of the bodies that JSON can hold. */
function bodies(op: string, members: JsonObject): JsonObject {
  if (op === 'send') return withBytes(members, '')
  if (op !== 'send_batch') return members
  const { items } = members
  if (!Array.isArray(items) || items.length < 1 || items.length > MAILBOX_LIMITS.batchMessages)
    throw bad('items', `a list of 1 to ${MAILBOX_LIMITS.batchMessages} messages`)
  return {
    ...members,
    items: items.map((item: Json, n) => {
      if (typeof item !== 'object' || item === null || Array.isArray(item))
        throw bad(`items[${n}]`, 'an object')
      return withBytes(item as JsonObject, `items[${n}].`)
    })
  }
}

function withBytes({ body, body_b64: packed, ...members }: JsonObject, within: string): JsonObject {
  if (body !== undefined && packed !== undefined) throw bad(`${within}body`, 'body or body_b64, not both')
  if (body !== undefined && typeof body !== 'string') throw bad(`${within}body`, 'text')
  if (packed !== undefined && (typeof packed !== 'string' || packed.length % 4 !== 0 || !BASE64.test(packed)))
    throw bad(`${within}body_b64`, 'base64 with its padding')
  if (body === undefined && packed === undefined) return members
  const bytes = packed === undefined ? Buffer.from(body ?? '') : Buffer.from(packed, 'base64')
  return { ...members, body: bytes } as unknown as JsonObject
}

function withTrace(op: string, members: JsonObject, trace: string): JsonObject {
  if (op === 'send') return tracedMessage(members, trace)
  const { items } = members
  if (op !== 'send_batch' || !Array.isArray(items)) return members
  return { ...members, items: items.map(item => tracedMessage(item as JsonObject, trace)) }
}

/** A message keeps the trace that it has, and what has no room for one goes without. */
function tracedMessage(message: JsonObject, trace: string): JsonObject {
  const { attrs = {} } = message
  if (typeof attrs !== 'object' || attrs === null || Array.isArray(attrs) || Object.hasOwn(attrs, TRACE))
    return message
  let bytes = TRACE.length + trace.length
  for (const [name, text] of Object.entries(attrs)) {
    if (typeof text !== 'string') return message
    bytes += Buffer.byteLength(name) + Buffer.byteLength(text)
  }
  if (bytes > MAILBOX_LIMITS.attrsBytes) return message
  return { ...message, attrs: { ...(attrs as JsonObject), [TRACE]: trace } }
}

const bad = (name: string, what: string): OapError => new OapError('bad_request', `${name}: give ${what}`)
