import { createHash } from 'node:crypto'
import { isTopic } from '../../protocols/index.ts'
import { canonicalJson } from '../canonical.ts'
import type { DelegatedKind } from '../delegation-book.ts'
import { type Form, exactly, flag, textOf, whole } from '../form.ts'
import { forms } from '../forms.ts'
import { SHARES } from './numbers.ts'

/** First line of what is signed. */
export const SHARED_MESSAGE_TAG = 'omnigate/shared-message/1'

/**
 * A hub's word that one of its tenants sent a message to a topic of a share. Its body travels beside it.
 * @see specs/federation-shares.md, section 3
 */
export type SharedMessage = {
  /** Unix seconds; never less than that of a lower number. */
  readonly at: number
  readonly attrs?: Readonly<Record<string, string>>
  readonly body_sha256: string
  readonly bytes: number
  readonly comp?: boolean
  readonly e2e?: boolean
  readonly epoch: number
  /** Unix milliseconds after which nobody is to get it. */
  readonly expires_ms?: number
  readonly hub: string
  readonly key: string
  readonly node: string
  /** Unix milliseconds before which nobody is to get it. */
  readonly not_before_ms?: number
  /** Counts from 1 for each hub, share and series, and leaves none out. */
  readonly number: number
  readonly priority: number
  /** Unix milliseconds when the hub began to count; a hub that was restored begins anew. */
  readonly series: number
  readonly share: string
  readonly topic: string
}

export const shareId = textOf(/^[0-9a-f]{32}$/, '16 bytes in hex')
const ms = whole(1, 8_640_000_000_000_000)
const topic: Form<string> = (value, path, tell) =>
  typeof value === 'string' && isTopic(value) ? value : tell(path, 'not a topic')

const attrs: Form<Readonly<Record<string, string>>> = (value, path, tell) => {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return tell(path, 'not an object')
  const pairs = Object.entries(value as Record<string, unknown>)
  let bytes = 0
  for (const [name, text] of pairs) {
    if (typeof text !== 'string' || !text.isWellFormed() || !name.isWellFormed())
      return tell(path, 'not texts alone')
    bytes += Buffer.byteLength(name) + Buffer.byteLength(text)
  }
  if (pairs.length === 0 || bytes > SHARES.attrsBytes)
    return tell(path, `not 1 to ${SHARES.attrsBytes} bytes of names and texts`)
  return value as Readonly<Record<string, string>>
}

export const SHARED_MESSAGE: DelegatedKind<SharedMessage> = {
  tag: SHARED_MESSAGE_TAG,
  maxChars: SHARES.lineChars,
  role: 'message',
  claim: ({ hub, key, epoch, at }) => ({ hub, key, epoch, at }),
  form: exactly(
    {
      at: forms.seconds,
      body_sha256: forms.hex32,
      bytes: whole(0, SHARES.bodyBytes),
      epoch: forms.epoch,
      hub: forms.hub,
      key: forms.hex32,
      node: forms.nodeName,
      number: whole(1),
      priority: whole(0, 9),
      series: ms,
      share: shareId,
      topic
    },
    { attrs, comp: flag, e2e: flag, expires_ms: ms, not_before_ms: ms }
  )
}

/** The federated id of a message in hex: SHA-256 of the canonical JSON of its statement. */
export const federatedId = (statement: SharedMessage): string =>
  createHash('sha256').update(canonicalJson(statement)).digest('hex')

/** Of each number a hub signs one message. */
export const NUMBERED = {
  kind: SHARED_MESSAGE,
  place: ({ share, series, number }: SharedMessage): string => `${share}/${series}/${number}`
} as const
