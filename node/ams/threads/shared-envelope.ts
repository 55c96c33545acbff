import { canonicalJson } from '../../../federation/index.ts'
import type { CanonicalValue } from '../../../federation/index.ts'
import { MAX_JSON_DEPTH, OapError, isTopic, parseJson } from '../../../protocols/index.ts'
import { digestOf, immutableObject } from '../envelope.ts'
import type { EnvelopeProof, Immutable } from '../envelope.ts'
import { MAX_ENVELOPE_BYTES } from '../read-envelope.ts'
import { EnvelopeRefusal } from '../refusal.ts'

const ROOT = 'ams/'
const MEMBERS = ['envelope', 'proofs', 'sha256']
/** Proofs and the digest stand beside the envelope. */
const MAX_BODY_BYTES = MAX_ENVELOPE_BYTES + 8192
/** What an envelope may have where it is posted, and what stands around it here. */
const MAX_VALUES = 131_072 + 64
const MAX_DEPTH = MAX_JSON_DEPTH + 1

type CanonicalObject = Readonly<Record<string, CanonicalValue>>

/** An envelope as hubs give it to each other. */
export interface SharedEnvelope {
  readonly immutable: Immutable
  readonly sha256: string
  readonly proofs: readonly EnvelopeProof[]
}

/** The topic that a thread is among hubs; undefined where its name is none of a topic. */
export function topicOfThread(thread: string | undefined): string | undefined {
  const topic = `${ROOT}${thread ?? ''}`
  return isTopic(topic) ? topic : undefined
}

export const isThreadTopic = (topic: string): boolean => topic.startsWith(ROOT)

/** The body of the message that an envelope goes to other hubs as. @see specs/ams.md, section 15 */
export function sharedBody({ immutable, sha256, proofs }: SharedEnvelope): Buffer {
  // What a secret proves, it proves to who has the secret.
  const shown = proofs
    .filter(({ alg }) => alg === 'Ed25519')
    .map(({ alg, key, sig }): CanonicalObject => ({ alg, key, sig }))
  return Buffer.from(canonicalJson({ envelope: immutableObject(immutable), proofs: shown, sha256 }))
}

/**
 * The envelope in a message of a thread's topic, to be taken as one that is posted: its proofs are not verified yet.
 * @throws EnvelopeRefusal naming what is wrong with it
 */
export function readShared(
  topic: string,
  body: Uint8Array
): { readonly value: CanonicalObject & { readonly id: string }; readonly sha256: string } {
  const { envelope, proofs, sha256, ...rest } = objectIn(body)
  const [other] = Object.keys(rest)
  if (other !== undefined || !isObject(envelope) || !Array.isArray(proofs) || typeof sha256 !== 'string')
    throw new EnvelopeRefusal('bad_form', `body: not an object of ${MEMBERS.join(', ')}`)
  const { id, created_at, thread } = envelope
  for (const [name, value] of Object.entries({ id, created_at, thread }))
    if (typeof value !== 'string') throw new EnvelopeRefusal('missing_member', `envelope.${name}: missing`)
  if (topicOfThread(thread as string) !== topic)
    throw new EnvelopeRefusal('bad_form', 'envelope.thread: another one than the topic names')
  if (canonicalJson(immutableObject(envelope)) !== canonicalJson(envelope))
    throw new EnvelopeRefusal('unknown_member', 'envelope: it has members that may change')
  if (digestOf(envelope as unknown as Immutable) !== sha256)
    throw new EnvelopeRefusal('bad_form', 'sha256: the envelope has another digest, so somebody changed it')
  return { value: { ...envelope, id: id as string, ...(proofs.length > 0 && { proofs }) }, sha256 }
}

function objectIn(body: Uint8Array): CanonicalObject {
  if (body.length > MAX_BODY_BYTES)
    throw new EnvelopeRefusal('too_long', `body: longer than ${MAX_BODY_BYTES} bytes`)
  try {
    return parseJson(body, { maxBytes: MAX_BODY_BYTES, maxValues: MAX_VALUES, maxDepth: MAX_DEPTH })
  } catch (error) {
    if (error instanceof OapError) throw new EnvelopeRefusal('bad_form', `body: ${error.message}`)
    throw error
  }
}

const isObject = (value: CanonicalValue | undefined): value is CanonicalObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
