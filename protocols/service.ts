import { OapError } from './errors.ts'
import { readFields, writeFields } from './fields.ts'
import type { FieldValues, Fields } from './fields.ts'
import { encodeJson, jsonText, parseJson } from './json.ts'
import type { Json, JsonObject } from './json.ts'
import { decodeRecord, recordPrefix, recordPrefixOf } from './record.ts'
import type { VerifiedToken } from './capabilities/index.ts'

const EMPTY = new Uint8Array(0)
/** What a request says beside its own members when it says nothing. */
export const NO_MEMBERS: JsonObject = Object.freeze({})

/** A payload about to be sent: `head`, then `body` as it is. */
export interface Parts {
  readonly head: Uint8Array
  readonly body: Uint8Array
}

/** What a START payload asks for: members of the header, and a body where the operation takes one. */
export interface RequestCodec<T> {
  readonly takesBody: boolean
  encode(op: string, value: T, extra: JsonObject): Parts
  decode(header: JsonObject, body: Uint8Array): T
}

/** The form of an answer's or event's payload. */
export interface PayloadCodec<T> {
  readonly form: 'json' | 'record' | 'opaque'
  encode(value: T): Parts
  decode(payload: Uint8Array): T
}

export type WithBody<T> = T & { readonly body?: Uint8Array }

/** Members that mean the same in every request: no service gives them another meaning. */
const RESERVED_MEMBERS = ['op', 'deadline_ms', 'credit', 'trace']

/** Throws RangeError for a member whose meaning OAP/1 gives. */
export function checkMembers(fields: Fields): void {
  const taken = RESERVED_MEMBERS.find(name => Object.hasOwn(fields, name))
  if (taken !== undefined)
    throw new RangeError(`request member ${taken}: OAP/1 gives it its meaning; use another name`)
}

/** A request of header members alone. Throws RangeError for a member whose meaning OAP/1 gives. */
export const header = <F extends Fields>(fields: F): RequestCodec<FieldValues<F>> => {
  checkMembers(fields)
  return {
    takesBody: false,
    encode: (op, value, extra) => ({
      head: encodeJson({ op, ...writeFields(fields, value), ...extra }),
      body: EMPTY
    }),
    decode: (members, body) => {
      if (body.length > 0) throw new OapError('bad_request', 'body: this operation takes none')
      return readFields(fields, members)
    }
  }
}

/** A request of header members and a body. Throws RangeError for a member whose meaning OAP/1 gives. */
export const headerAndBody = <F extends Fields>(fields: F): RequestCodec<WithBody<FieldValues<F>>> => {
  checkMembers(fields)
  const hasFields = Object.keys(fields).length > 0
  let last: { key: string; prefix: Uint8Array } | undefined
  return {
    takesBody: true,
    encode: (op, value, extra) => {
      // Most requests say no more than their op: the one before it was the same.
      if (!hasFields && extra === NO_MEMBERS && last?.key === op)
        return { head: last.prefix, body: value.body ?? EMPTY }
      const members: Record<string, Json> = { op, ...writeFields(fields, value), ...extra }
      const json = jsonText(members)
      const key = hasFields || extra !== NO_MEMBERS ? json : op
      if (last?.key !== key) last = { key, prefix: recordPrefixOf(json) }
      return { head: last.prefix, body: value.body ?? EMPTY }
    },
    decode: hasFields
      ? (members, body) => ({ ...readFields(fields, members), body })
      : (_members, body) => ({ body }) as WithBody<FieldValues<F>>
  }
}

export const json = <F extends Fields>(fields: F): PayloadCodec<FieldValues<F>> => ({
  form: 'json',
  encode: value => ({ head: encodeJson(writeFields(fields, value)), body: EMPTY }),
  decode: payload => readFields(fields, parseJson(payload))
})

/** A JSON object whose members the operation's text describes, for answers that nest. */
export const jsonObject: PayloadCodec<JsonObject> = {
  form: 'json',
  encode: value => ({ head: encodeJson(value), body: EMPTY }),
  decode: payload => parseJson(payload)
}

export const record = <F extends Fields>(fields: F): PayloadCodec<WithBody<FieldValues<F>>> => ({
  form: 'record',
  encode: value => ({ head: recordPrefix(writeFields(fields, value)), body: value.body ?? EMPTY }),
  decode: payload => {
    const { header: members, body } = decodeRecord(payload)
    return { ...readFields(fields, members), body }
  }
})

export const opaque: PayloadCodec<Uint8Array> = {
  form: 'opaque',
  encode: body => ({ head: EMPTY, body }),
  decode: payload => payload
}

export const nothing: PayloadCodec<undefined> = {
  form: 'opaque',
  encode: () => ({ head: EMPTY, body: EMPTY }),
  decode: () => undefined
}

interface Row<Req> {
  /** What a capability must allow: `mailbox:send`. */
  readonly verb: string
  readonly request: RequestCodec<Req>
  /** True when it changes something: a read-only capability does not allow it, and a node in need sheds it first. */
  readonly writes?: boolean
  /** True when it makes room although it writes: a node in need sheds it no sooner than what only reads. */
  readonly relieves?: boolean
  /** The request member that names the topic, for capabilities that are bound to some. */
  readonly topic?: string
  /** The request member that names the content, likewise. */
  readonly content?: string
  /** True when a caller without a right to the call is served as anonymous: a refusal would tell what is stored. */
  readonly elseAnonymous?: boolean
  /** True when raw body frames follow START. */
  readonly upload?: boolean
  /** True when answers hand the request's sealed body back, and carry its APP_E2E. */
  readonly mirrorsSeal?: boolean
  /** What an answer or event says of the bodies in it that applications sealed. */
  // eslint-disable-next-line typescript/no-explicit-any
  readonly sealOf?: (value: any) => Seal
}

/** A sealed body, and one that was compressed when it was sealed. Nobody else may look into either. */
export interface Seal {
  readonly e2e?: boolean | undefined
  readonly comp?: boolean | undefined
}

/** One request, one answer. */
export interface Unary<Req, Res> extends Row<Req> {
  readonly kind: 'unary'
  readonly answer: PayloadCodec<Res>
}

/** An answer of a head and a body that is streamed in chunks. */
export interface Streamed<Req, Head> extends Row<Req> {
  readonly kind: 'streamed'
  readonly answer: PayloadCodec<Head>
}

/** Server push within one call. */
export interface Subscription<Req, Event> extends Row<Req> {
  readonly kind: 'subscription'
  readonly event: PayloadCodec<Event>
}

// eslint-disable-next-line typescript/no-explicit-any
export type Operation = Unary<any, any> | Streamed<any, any> | Subscription<any, any>

export type Operations = Readonly<Record<string, Operation>>

/** A service: its name for metrics, its app_proto_id, and a row for each operation. */
export interface ServiceTable<O extends Operations = Operations> {
  readonly name: string
  readonly app: number
  readonly operations: O
}

export const unary = <Req, Res>(row: Omit<Unary<Req, Res>, 'kind'>): Unary<Req, Res> => ({
  kind: 'unary',
  ...row
})

export const streamed = <Req, Head>(row: Omit<Streamed<Req, Head>, 'kind'>): Streamed<Req, Head> => ({
  kind: 'streamed',
  ...row
})

export const subscription = <Req, Event>(
  row: Omit<Subscription<Req, Event>, 'kind'>
): Subscription<Req, Event> => ({
  kind: 'subscription',
  ...row
})

/** Checks a table once, where it is written. Throws RangeError for an id or name that cannot be served. */
export function defineService<O extends Operations>(table: ServiceTable<O>): ServiceTable<O> {
  const { name, app, operations } = table
  if (!/^[a-z][a-z0-9_]{0,31}$/.test(name))
    throw new RangeError(`service ${name}: a name of [a-z0-9_], at most 32`)
  if (!Number.isInteger(app) || app < 1 || app > 0xffff) {
    throw new RangeError(`service ${name}: app_proto_id ${app}, an integer from 1 to 65535`)
  }
  for (const op of Object.keys(operations)) {
    if (!/^[a-z][a-z0-9_]{0,31}$/.test(op))
      throw new RangeError(`service ${name}: operation ${op}: [a-z0-9_], at most 32`)
  }
  return table
}

/** What the grant of a linked hub allows of one call. */
export interface Granted {
  /** `hub:` and the hub id. */
  readonly principal: string
  /** The printed UUID of the share's tenant; nil where the operation has no topic. */
  readonly tenant: string
  /** The id of the share, 32 hex digits; undefined where the operation has no topic. */
  readonly share: string | undefined
  /** Classes of content that others stored and the hub may read. */
  readonly classes?: readonly ('public' | 'federated')[] | undefined
}

/** What a handler knows of the call it serves. */
export interface Call {
  readonly corrId: bigint
  readonly app: number
  /** The peer id of the caller's connection. */
  readonly peer: string
  /** Who the call is judged as: `cap:` and a capability id, `hub:` and a hub id, `local`, or `anonymous`. */
  readonly principal: string
  /** The printed UUID of the tenant of the capability or the share; without both, what the frame says, nil for nothing. */
  readonly tenant: string
  /** What the caller may do; undefined where the verb is open to everyone, and for a linked hub or the operator. */
  readonly capability: VerifiedToken | undefined
  /** The same of a linked hub whose call carries no capability. */
  readonly granted?: Granted | undefined
  /** True when the body is end-to-end encrypted by the application: keep it opaque. */
  readonly isE2e: boolean
  /** True when such a body was compressed before it was sealed. */
  readonly isE2ePacked?: boolean
  /** Explicit credit of a subscription; undefined where the stream's window alone governs. */
  readonly credit?: EventCredit | undefined
  /** Aborts when the caller cancels, its deadline passes, its stream ends or the node drains. */
  readonly signal: AbortSignal
  /** The streamed body, empty unless the row has `upload`. Read once. */
  readonly body: AsyncIterable<Uint8Array>
}

/** How much a subscriber is ready to have outstanding. */
export interface EventCredit {
  /** Whether an event of so many payload bytes may leave now, or once others of `before` bytes have left. */
  allows(bytes: number, before?: number): boolean
  /** Resolves when the subscriber grants more, or the call is over. */
  changed(): Promise<void>
}

export interface StreamedAnswer<Head> {
  readonly head: Head
  /** Of the frame that brings the head: 206 where the body is a part of what was meant. Default 0. */
  readonly status?: 0 | 206 | undefined
  /** Pieces of any length. */
  readonly body: AsyncIterable<Uint8Array>
  /** The same bytes in pieces of two parts: a session reads these in place of `body`, and copies neither part. */
  readonly chunks?: AsyncIterable<Parts> | undefined
}

export type Handler<O extends Operation> =
  O extends Unary<infer Req, infer Res>
    ? (request: Req, call: Call) => Res | Promise<Res>
    : O extends Streamed<infer Req, infer Head>
      ? (request: Req, call: Call) => StreamedAnswer<Head> | Promise<StreamedAnswer<Head>>
      : O extends Subscription<infer Req, infer Event>
        ? (request: Req, call: Call) => AsyncIterable<Event> | Promise<AsyncIterable<Event>>
        : never

export type Handlers<O extends Operations> = { readonly [K in keyof O]: Handler<O[K]> }

/** A table with the code that answers it. */
export interface Service<O extends Operations = Operations> {
  readonly table: ServiceTable<O>
  readonly handlers: Handlers<O>
}

/** One row ready to run. */
export interface ServedOperation {
  readonly service: string
  readonly name: string
  readonly row: Operation
  readonly handler: (request: unknown, call: Call) => unknown
}

/** The rows of several services by app id and operation. Throws RangeError when two claim one app id. */
export function serviceDirectory(services: readonly Service[]): ServiceDirectory {
  const directory = new Map<number, ReadonlyMap<string, ServedOperation>>()
  for (const { table, handlers } of services) {
    if (directory.has(table.app)) throw new RangeError(`app_proto_id ${table.app}: two services claim it`)
    const rows = Object.entries(table.operations).map(([name, row]) => {
      const handler = handlers[name] as ServedOperation['handler'] | undefined
      if (handler === undefined) throw new RangeError(`service ${table.name}: no handler for ${name}`)
      return [name, { service: table.name, name, row, handler: handler.bind(handlers) }] as const
    })
    directory.set(table.app, new Map(rows))
  }
  return directory
}

export type ServiceDirectory = ReadonlyMap<number, ReadonlyMap<string, ServedOperation>>
