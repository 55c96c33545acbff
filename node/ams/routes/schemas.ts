import Type from 'typebox'
import type { TProperties, TSchema } from 'typebox'
import { STATUSES } from '../status.ts'

// What stands in /openapi.json of bodies and answers. Readers of bodies judge them by themselves, and more closely; what has a title
// is a schema of its own there.

const text = Type.String()
const flag = Type.Boolean()
const whole = Type.Integer()
const time = Type.String({ description: 'YYYY-MM-DDThh:mm:ss.mmmZ' })
const hex32 = Type.String({ pattern: '^[0-9a-f]{64}$' })
const status = Type.Enum([...STATUSES])
const cursor = Type.Union([text, Type.Null()])
const maybe = Type.Optional
/** An object whose members are nobody's business here. */
export const FREE = Type.Object({}, { additionalProperties: true })

const named = <P extends TProperties>(title: string, properties: P) => Type.Object(properties, { title })
/** An answer. */
export const done = <P extends TProperties>(properties: P) =>
  Type.Object({ ok: Type.Literal(true), ...properties })
/** A page of a list. */
export const pageOf = (item: TSchema) => done({ items: Type.Array(item), nextCursor: cursor })

const PROOF = named('Proof', {
  alg: Type.Enum(['Ed25519', 'HMAC-SHA256']),
  key: Type.String({ description: 'A public key in hex, or the name of a secret.' }),
  sig: Type.String({ description: 'Base64.' }),
  server: maybe(Type.Literal(true, { description: 'The hub made it.' }))
})

const SAID = { type: text, thread: text, from: text, to: text, payload: FREE }

export const NEW_ENVELOPE = named('NewEnvelope', {
  ...SAID,
  id: maybe(text),
  created_at: maybe(time),
  status: maybe(Type.Enum(['queued'])),
  meta: maybe(FREE),
  proofs: maybe(Type.Array(PROOF, { maxItems: 8 }))
})

export const ENVELOPE = named('Envelope', {
  id: text,
  created_at: time,
  type: text,
  thread: maybe(text),
  from: maybe(text),
  to: maybe(text),
  payload: maybe(FREE),
  sha256: hex32,
  status,
  meta: FREE,
  proofs: Type.Array(PROOF),
  updated_at: time,
  record: named('StatusRecord', { n: whole, prev: hex32, at: time, by: text, hash: hex32 }),
  redacted: maybe(Type.Literal(true))
})

export const ENVELOPE_CHANGE = named('EnvelopeChange', { status: maybe(status), meta: maybe(FREE) })
export const ONE_ENVELOPE = done({ envelope: ENVELOPE })

export const SUBMITTED = done({ id: text, sha256: hex32, status })

export const THREAD = named('Thread', {
  thread: text,
  created_at: time,
  updated_at: time,
  count: whole,
  last_type: text,
  last_from: cursor,
  last_to: cursor,
  statuses: Type.Object({}, { additionalProperties: whole })
})

export const SYNC_ASKED = named('SyncRequest', {
  push: maybe(Type.Array(NEW_ENVELOPE, { maxItems: 500 })),
  pull: maybe(flag),
  since: maybe(text),
  limit: maybe(whole),
  thread: maybe(text),
  from: maybe(text),
  to: maybe(text)
})

export const SYNCED = done({
  accepted: Type.Array(Type.Object({ id: text, sha256: hex32 })),
  rejected: Type.Array(Type.Object({ index: whole, id: maybe(text), error: text, message: text })),
  pulled: Type.Object({ items: Type.Array(ENVELOPE), nextCursor: cursor })
})

export const ARTIFACT = named('Artifact', {
  key: text,
  sha256: hex32,
  bytes: whole,
  content_type: text,
  note: text,
  content_id: text,
  created_at: time,
  updated_at: time,
  by: text
})

export const NEW_ARTIFACT = named('NewArtifact', {
  key: maybe(text),
  payload: maybe(Type.Unknown({ description: 'A text, or any other JSON; or else payload_b64.' })),
  payload_b64: maybe(text),
  content_type: maybe(text),
  note: maybe(text)
})
export const ONE_ARTIFACT = done({ artifact: ARTIFACT })

const NOTED = { kind: maybe(text), subject: maybe(text), meta: maybe(FREE) }
export const NEW_RECORD = named('NewNotaryRecord', { id: maybe(text), sha256: hex32, ...NOTED })
export const RECORD = named('NotaryRecord', { id: text, ts: time, by: text, sha256: hex32, ...NOTED })

const SPOKEN = { from: maybe(text), kind: maybe(text), body: FREE }
export const NEW_MESSAGE = named('NewRoomMessage', { id: maybe(text), ...SPOKEN })
export const MESSAGE = named('RoomMessage', { id: text, ts: time, by: text, ...SPOKEN })

export const HEALTH = done({
  service: text,
  mode: Type.Enum(['level', 'memory']),
  now: time,
  url: text,
  write_mode: Type.Enum(['open', 'token']),
  features: Type.Object({}, { additionalProperties: flag }),
  signatures: maybe(Type.Enum(['fresh', 'stale'])),
  sandbox: maybe(text),
  sandbox_notice: maybe(text)
})

export const POLICY = done({ policy: FREE, policy_version: text, policy_hash: hex32 })

const reason = maybe(text)
export const ON_ENVELOPE = named('EnvelopeDecision', { id: text, reason })
export const ON_SENDER = named('SenderDecision', { from: text, reason })
export const TO_REMOVE = named('Removal', {
  artifact: maybe(text),
  message: maybe(text),
  record: maybe(text),
  reason
})
export const SENDER = named('BlockedSender', { from: text, at: time, by: text, reason })

export const RULE = named('RetentionRule', { days: maybe(whole), count: maybe(whole) })
const RUN = named('RetentionRun', {
  at: time,
  by: text,
  days: maybe(whole),
  count: maybe(whole),
  removed: Type.Object({}, { additionalProperties: whole }),
  bytes: whole,
  ended_at: maybe(time)
})
export const ONE_RUN = done({ run: RUN })
export const RETAINED = done({
  rule: RULE,
  bytes: whole,
  max_bytes: maybe(whole),
  under_way: Type.Union([RUN, Type.Null()]),
  last: Type.Union([RUN, Type.Null()])
})

export const TARGETS = named('HandshakeTargets', { targets: Type.Array(text, { maxItems: 16 }) })
export const ITEMS = done({ items: Type.Array(FREE) })

const ROLE = Type.Enum(['read', 'write', 'admin'])
export const NEW_TOKEN = named('NewToken', { name: text, role: ROLE })
export const TOKENS = done({
  items: Type.Array(
    named('StaticToken', { name: text, role: ROLE, from: Type.Enum(['file', 'environment']) })
  )
})
export const MADE_TOKEN = done({ name: text, role: ROLE, token: text })
export const REMOVED_TOKEN = done({ removed: text })
