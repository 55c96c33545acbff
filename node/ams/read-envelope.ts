import { canonicalJson } from '../../federation/index.ts'
import type { CanonicalValue } from '../../federation/index.ts'
import type { EnvelopeProof, Immutable, SomeImmutable, Validation } from './envelope.ts'
import { EnvelopeRefusal } from './refusal.ts'
import { STATUSES } from './status.ts'
import type { Status } from './status.ts'
import { isTime } from './time.ts'

export const MAX_ENVELOPE_BYTES = 512 * 1024
export const MAX_META_BYTES = 16_384
const MAX_STRICT_PAYLOAD_BYTES = 65_536
/** Of one that is posted; one that comes from another hub can have the proof of that hub, too. */
export const MAX_PROOFS = 8
export const MAX_SHOWN_CHARS = 64

type CanonicalObject = Readonly<Record<string, CanonicalValue>>

/** What never changes, as far as it was sent. */
export type PostedImmutable = SomeImmutable & Pick<Immutable, 'type'>

/** An envelope as it was posted, before the hub gives what is missing. */
export interface Posted {
  readonly immutable: PostedImmutable
  readonly status: Status | undefined
  readonly meta: CanonicalObject
  readonly proofs: readonly EnvelopeProof[]
}

/** Throws what is wrong with a member of a name. */
export type Check = (value: CanonicalValue, name: string) => void

export const ID = /^[A-Za-z0-9][A-Za-z0-9._:-]{0,127}$/
const STRICT_TYPE = /^[a-z][a-z0-9_.-]{0,63}$/
const STRICT_THREAD = /^t_[a-z0-9]+(?:_[a-z0-9]+)*$/
const STRICT_NAME = /^(?:(?:agent|user|service|topic|hub):)?[A-Za-z0-9][A-Za-z0-9_.@-]*$/
const HEX_KEY = /^[0-9a-f]{64}$/
export const SECRET_NAME = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/
const SIG_CHARS = { Ed25519: 88, 'HMAC-SHA256': 44 } as const

/** What each member must be. */
export const FORMS: Readonly<Record<string, Check>> = {
  type: text(128),
  thread: text(256),
  from: text(256),
  to: text(256),
  payload: object,
  id: matching(ID, 'letters, digits and . _ : -, at most 128, a letter or digit first'),
  created_at: time,
  status,
  meta: small(MAX_META_BYTES),
  proofs
}

/** What `strict` wants besides. */
const STRICT_FORMS: Readonly<Record<string, Check>> = {
  type: matching(STRICT_TYPE, 'lower-case letters, digits and _ . -, at most 64, a letter first'),
  thread: matching(STRICT_THREAD, 't_ and words of lower-case letters and digits with _ between them'),
  from: matching(STRICT_NAME, 'a name, bare or behind agent: user: service: topic: or hub:'),
  to: matching(STRICT_NAME, 'a name, bare or behind agent: user: service: topic: or hub:'),
  payload: small(MAX_STRICT_PAYLOAD_BYTES, 'post it as an artifact and refer to it')
}

const NEEDED: Readonly<Record<Validation, readonly string[]>> = {
  lenient: ['type'],
  standard: ['type', 'thread', 'from', 'to', 'payload'],
  strict: ['type', 'thread', 'from', 'to', 'payload']
}

/**
 * The envelope in an object that strict JSON has read. Members of no name here are passed over, or refused by `strict`.
 * @throws EnvelopeRefusal `missing_member`, `unknown_member`, `bad_form`, `too_long`, `proof_incomplete`
 * @see specs/ams.md, section 2
 */
export function readEnvelope(
  value: CanonicalObject,
  validation: Validation,
  { mostProofs = MAX_PROOFS } = {}
): Posted {
  for (const name of NEEDED[validation])
    if (!Object.hasOwn(value, name)) throw new EnvelopeRefusal('missing_member', `${name}: missing`)
  if (validation === 'strict') refuseUnknown(value)
  for (const [name, member] of Object.entries(value)) {
    if (!Object.hasOwn(FORMS, name)) continue
    FORMS[name]!(member, name)
    if (validation === 'strict') STRICT_FORMS[name]?.(member, name)
  }
  const { meta = {}, proofs: given = [], status: posted } = value
  const posteds = given as unknown as readonly EnvelopeProof[]
  if (posteds.length > mostProofs) throw wrong('proofs', `give a list of at most ${mostProofs}`)
  if (posteds.length > 0 && (value['id'] === undefined || value['created_at'] === undefined))
    throw new EnvelopeRefusal('proof_incomplete', 'proofs: they need id and created_at of who made them')
  const { type, thread, from, to, payload, id, created_at } = value as unknown as Partial<Immutable>
  return {
    immutable: { type: type!, thread, from, to, payload, id, created_at },
    status: posted as Status | undefined,
    meta: meta as CanonicalObject,
    proofs: posteds
  }
}

/** What `strict` would refuse of an envelope that was taken; undefined for nothing. */
export function strictProblem(value: CanonicalObject): string | undefined {
  try {
    readEnvelope(value, 'strict')
    return undefined
  } catch (error) {
    if (error instanceof EnvelopeRefusal) return error.message
    throw error
  }
}

function refuseUnknown(value: CanonicalObject): void {
  const unknown = Object.keys(value).find(name => !Object.hasOwn(FORMS, name))
  if (unknown !== undefined)
    throw new EnvelopeRefusal(
      'unknown_member',
      `${JSON.stringify(unknown.slice(0, MAX_SHOWN_CHARS))}: no member of an envelope`
    )
}

export const wrong = (name: string, what: string): EnvelopeRefusal =>
  new EnvelopeRefusal('bad_form', `${name}: ${what}`)

export function text(maxBytes: number): Check {
  return (value, name) => {
    if (typeof value !== 'string' || value === '') throw wrong(name, 'give a text that is not empty')
    if (/\p{Cc}/u.test(value)) throw wrong(name, 'holds a control character')
    if (value.length > maxBytes || Buffer.byteLength(value) > maxBytes)
      throw new EnvelopeRefusal('too_long', `${name}: longer than ${maxBytes} bytes`)
  }
}

export function matching(pattern: RegExp, what: string): Check {
  return (value, name) => {
    if (typeof value !== 'string' || !pattern.test(value)) throw wrong(name, `give ${what}`)
  }
}

export function object(value: CanonicalValue, name: string): void {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw wrong(name, 'give an object')
}

export function small(maxBytes: number, wayOut = 'give less'): Check {
  return (value, name) => {
    object(value, name)
    if (Buffer.byteLength(canonicalJson(value)) > maxBytes)
      throw new EnvelopeRefusal('too_long', `${name}: longer than ${maxBytes} bytes; ${wayOut}`)
  }
}

function time(value: CanonicalValue, name: string): void {
  if (typeof value !== 'string' || !isTime(value))
    throw wrong(name, 'give a time as 2026-01-31T12:00:00.000Z')
}

function status(value: CanonicalValue, name: string): void {
  if (!STATUSES.includes(value as Status)) throw wrong(name, `give one of ${STATUSES.join(', ')}`)
}

function proofs(value: CanonicalValue, name: string): void {
  if (!Array.isArray(value) || value.length > MAX_PROOFS + 1)
    throw wrong(name, `give a list of at most ${MAX_PROOFS}`)
  for (const [n, one] of (value as readonly CanonicalValue[]).entries()) proof(one, `${name}[${n}]`)
}

function proof(value: CanonicalValue, name: string): void {
  object(value, name)
  const { alg, key, sig, ...rest } = value as CanonicalObject
  const [other] = Object.keys(rest)
  if (other !== undefined)
    throw wrong(name, `no proof has ${JSON.stringify(other.slice(0, MAX_SHOWN_CHARS))}`)
  if (alg !== 'Ed25519' && alg !== 'HMAC-SHA256') throw wrong(`${name}.alg`, 'give Ed25519 or HMAC-SHA256')
  const isKey = typeof key === 'string' && (alg === 'Ed25519' ? HEX_KEY : SECRET_NAME).test(key)
  if (!isKey)
    throw wrong(`${name}.key`, alg === 'Ed25519' ? 'give a public key in hex' : 'give the name of a secret')
  const isSig = typeof sig === 'string' && sig.length === SIG_CHARS[alg] && isBase64(sig)
  if (!isSig) throw wrong(`${name}.sig`, `give ${SIG_CHARS[alg]} characters of base64`)
}

const isBase64 = (value: string): boolean => Buffer.from(value, 'base64').toString('base64') === value
