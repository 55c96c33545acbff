import type { DelegatedKind } from './delegation-book.ts'
import { type Form, ascending, exactly, flag, listOf, textOf, whole } from './form.ts'
import { forms } from './forms.ts'
import { treatyForms } from './treaty-forms.ts'

/** First line of what is signed. */
export const EXCHANGE_TAG = 'omnigate/cap-exchange/1'
/** The longest line, without a line feed. */
export const MAX_EXCHANGE_CHARS = 8192
export const MAX_EXCHANGE_VERBS = 16
export const MAX_EXCHANGE_TOPICS = 16

const MAX_KID = 0xffff_ffff

/**
 * A hub's word that one of its agents may use a right of its own at another hub, within these bounds. Times are Unix
 * seconds. @see specs/federation-links.md, section 12.1
 */
export type ExchangeStatement = {
  /** App protocol ids; without it, any. */
  readonly apps?: readonly number[]
  readonly at: number
  /** The hub that is to mint. */
  readonly audience: string
  /** The right at the hub that signs, for which the new token stands in. */
  readonly cap_id: string
  /** Of the delegation of `key`. */
  readonly epoch: number
  readonly expires: number
  readonly hub: string
  /** That of the node whose link it is, in hex. */
  readonly key: string
  /** The root key under which the right was shown. */
  readonly kid: number
  readonly max_bytes?: number
  /** 16 random bytes in hex. */
  readonly nonce: string
  /** The only peer that may use the token. */
  readonly peer: string
  /** Calls a second. */
  readonly rate?: number
  readonly read_only?: boolean
  /** The id of the share whose tenant is called. */
  readonly share: string
  readonly streams?: number
  /** For whom the right was minted. */
  readonly subject?: string
  /** Ascending patterns. */
  readonly topics: readonly string[]
  /** Ascending. */
  readonly verbs: readonly string[]
}

const topic: Form<string> = (value, path, tell) => treatyForms.topics([value], path, tell)?.[0]
const verb: Form<string> = (value, path, tell) => treatyForms.verbs([value], path, tell)?.[0]
const bound = whole(1)

export const EXCHANGE: DelegatedKind<ExchangeStatement> = {
  tag: EXCHANGE_TAG,
  maxChars: MAX_EXCHANGE_CHARS,
  // The hub that holds the link speaks for its agents there; it could make the same calls under its grant.
  role: 'link',
  claim: ({ hub, key, epoch, at }) => ({ hub, key, epoch, at }),
  form: exactly(
    {
      at: forms.seconds,
      audience: forms.hub,
      cap_id: textOf(/^[0-9a-f]{32}$/, 'the id of a right'),
      epoch: forms.epoch,
      expires: forms.seconds,
      hub: forms.hub,
      key: forms.hex32,
      kid: whole(1, MAX_KID),
      nonce: textOf(/^[0-9a-f]{32}$/, '16 bytes in hex'),
      peer: forms.peerId,
      share: treatyForms.share.id,
      topics: ascending(listOf(topic, MAX_EXCHANGE_TOPICS, 1)),
      verbs: ascending(listOf(verb, MAX_EXCHANGE_VERBS, 1))
    },
    {
      apps: ascending(listOf(whole(0, 0xffff), 16, 1)),
      max_bytes: bound,
      rate: bound,
      read_only: flag,
      streams: bound,
      subject: textOf(/^[!-~]{1,128}$/, 'a subject')
    }
  )
}
