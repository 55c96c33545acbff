import { canonicalJson } from '../../federation/index.ts'
import { matching, text, wrong } from './read-envelope.ts'
import type { Check } from './read-envelope.ts'
import { checkMembers } from './read-members.ts'
import type { Members } from './read-members.ts'
import { EnvelopeRefusal } from './refusal.ts'

/** An artifact as it was posted. */
export interface PostedArtifact {
  /** Any text. */
  readonly key: string | undefined
  readonly content_type: string
  readonly note: string
  readonly bytes: Uint8Array
}

const MEDIA_TYPE =
  /^[A-Za-z0-9!#$&^_.+-]{1,63}\/[A-Za-z0-9!#$&^_.+-]{1,63}(?:; ?charset=[A-Za-z0-9-]{1,20})?$/
const FORMS: Readonly<Record<string, Check>> = {
  key: text(200),
  content_type: matching(MEDIA_TYPE, 'a media type, such as text/plain'),
  note: (value, name) => value === '' || text(512)(value, name),
  payload: () => undefined,
  payload_b64: base64
}

/**
 * The artifact in an object that strict JSON has read: text is kept as UTF-8, base64 as what it stands for, and any other
 * JSON in its canonical form.
 * @throws EnvelopeRefusal `missing_member`, `unknown_member`, `bad_form`, `too_long`
 */
export function readPostedArtifact(value: Members): PostedArtifact {
  checkMembers(value, FORMS)
  const { key, content_type, note = '', payload, payload_b64: encoded } = value
  if ((payload === undefined) === (encoded === undefined))
    throw new EnvelopeRefusal('missing_member', 'payload: give it, or payload_b64, and not both')
  const [bytes, usual] =
    encoded !== undefined
      ? ([Buffer.from(encoded as string, 'base64'), 'application/octet-stream'] as const)
      : typeof payload === 'string'
        ? ([Buffer.from(payload), 'text/plain; charset=utf-8'] as const)
        : ([Buffer.from(canonicalJson(payload!)), 'application/json'] as const)
  return {
    key: key as string | undefined,
    content_type: (content_type as string | undefined) ?? usual,
    note: note as string,
    bytes
  }
}

function base64(value: unknown, name: string): void {
  if (typeof value !== 'string' || Buffer.from(value, 'base64').toString('base64') !== value)
    throw wrong(name, 'give base64 with its padding')
}
