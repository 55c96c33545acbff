import type { DelegatedKind } from './delegation-book.ts'
import { exactly, whole } from './form.ts'
import { forms } from './forms.ts'

/** First line of what is signed. */
export const REVOCATION_HEAD_TAG = 'omnigate/revocation-head/1'
export const MAX_REVOCATION_HEAD_CHARS = 1024

/** A hub's word where its list of revocations stands at a time. @see specs/federation-links.md, section 12.3 */
export type RevocationHeadStatement = {
  /** Unix seconds. */
  readonly at: number
  /** SHA-256 of the last line of the list in hex; 64 zeros for an empty one. */
  readonly digest: string
  /** Of the delegation of `key`. */
  readonly epoch: number
  readonly hub: string
  /** The Ed25519 public key that signs, in hex. */
  readonly key: string
  readonly seq: number
}

export const REVOCATION_HEAD: DelegatedKind<RevocationHeadStatement> = {
  tag: REVOCATION_HEAD_TAG,
  maxChars: MAX_REVOCATION_HEAD_CHARS,
  role: 'revocation',
  claim: ({ hub, key, epoch, at }) => ({ hub, key, epoch, at }),
  form: exactly({
    at: forms.seconds,
    digest: forms.hex32,
    epoch: forms.epoch,
    hub: forms.hub,
    key: forms.hex32,
    seq: whole(0)
  })
}

/** Why something that a hub says of its revocations is not taken, nor what comes behind it. */
export const NEWS_REFUSALS = [
  'delegation',
  'equivocation',
  'statement',
  'full',
  'head_key',
  'head_time',
  'head_signature',
  'fork'
] as const
