import { createHash } from 'node:crypto'
import { isTopic } from '../../protocols/index.ts'
import { canonicalJson } from '../canonical.ts'
import type { DelegatedKind } from '../delegation-book.ts'
import { type Form, exactly, textOf, whole } from '../form.ts'
import { forms } from '../forms.ts'
import { treatyForms } from '../treaty-forms.ts'
import { DIRECTED } from './numbers.ts'
import { textMap } from './text-map.ts'

/** First line of what is signed. */
export const DIRECTED_TAG = 'omnigate/directed-message/1'

/**
 * A hub's word that a message is its own, and for one other hub. Times are Unix seconds.
 * @see specs/federation-directed.md, section 2
 */
export type DirectedStatement = {
  /** When the sender had its answer. */
  readonly at: number
  readonly attrs?: Readonly<Record<string, string>>
  readonly body_bytes: number
  /** In hex. */
  readonly body_sha256: string
  readonly comp?: true
  readonly e2e?: true
  /** From when on nobody is to be given it. */
  readonly ends?: number
  /** Of the delegation of `key`. */
  readonly epoch: number
  /** From when on the other hub is not to take it. */
  readonly expires: number
  /** The origin. */
  readonly hub: string
  /** In hex. */
  readonly key: string
  /** 16 random bytes in hex. */
  readonly nonce: string
  readonly priority: number
  /** The id of a share. */
  readonly share: string
  /** For which hub it is. */
  readonly to: string
  readonly topic: string
}

const topic: Form<string> = (value, path, tell) =>
  typeof value === 'string' && isTopic(value) ? value : tell(path, 'not a topic')

/** A member that is there only to be true. */
const set: Form<true> = (value, path, tell) => (value === true ? true : tell(path, 'not true'))

const MEMBERS = exactly(
  {
    at: forms.seconds,
    body_bytes: whole(0, DIRECTED.bodyBytes),
    body_sha256: forms.hex32,
    epoch: forms.epoch,
    expires: forms.seconds,
    hub: forms.hub,
    key: forms.hex32,
    nonce: textOf(/^[0-9a-f]{32}$/, '16 bytes in hex'),
    priority: whole(0, 9),
    share: treatyForms.share.id,
    to: forms.hub,
    topic
  },
  { attrs: textMap(DIRECTED.attrsBytes), comp: set, e2e: set, ends: forms.seconds }
)

export const DIRECTED_MESSAGE: DelegatedKind<DirectedStatement> = {
  tag: DIRECTED_TAG,
  maxChars: DIRECTED.statementChars,
  role: 'message',
  claim: ({ hub, key, epoch, at }) => ({ hub, key, epoch, at }),
  form: (value, path, tell) => {
    const read = MEMBERS(value, path, tell)
    if (read === undefined) return undefined
    const { at, expires, ends, comp, e2e } = read
    if (comp && !e2e) tell('comp', 'only with e2e')
    if (expires <= at || expires - at > DIRECTED.lifeS)
      tell('expires', `not after at and at most ${DIRECTED.lifeS} s behind it`)
    if (ends !== undefined && ends < expires) tell('ends', 'before expires')
    return read as DirectedStatement
  }
}

/** SHA-256 of the statement without its signature, in hex. */
export const directedId = (statement: DirectedStatement): string =>
  createHash('sha256').update(canonicalJson(statement)).digest('hex')
