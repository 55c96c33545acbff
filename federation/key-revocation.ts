import type { KeyObject } from 'node:crypto'
import { exactly, lineOfText } from './form.ts'
import { forms } from './forms.ts'
import { type Signed, type StatementKind, signStatement } from './statement.ts'

const MAX_CHARS = 2048
const MAX_REASON_BYTES = 256

/** A hub's word that a key signs for it no more, in no role and on no node. @see specs/federation-links.md, section 5 */
export type KeyRevocationStatement = {
  /** Whole seconds since 1970; for people. */
  readonly at: number
  readonly hub: string
  /** The Ed25519 public key in hex. */
  readonly key: string
  /** For people; may be empty. */
  readonly reason: string
}

export type KeyRevocation = Signed<KeyRevocationStatement>

export const KEY_REVOCATION: StatementKind<KeyRevocationStatement> = {
  tag: 'omnigate/key-revocation/1',
  maxChars: MAX_CHARS,
  form: exactly({
    at: forms.seconds,
    hub: forms.hub,
    key: forms.hex32,
    reason: lineOfText(MAX_REASON_BYTES)
  })
}

/** The statement signed with the hub key. */
export const revokeKey = (hubKey: KeyObject, statement: KeyRevocationStatement): KeyRevocation =>
  signStatement(KEY_REVOCATION, hubKey, statement)
