import type { KeyObject } from 'node:crypto'
import { canonicalJson, isTextOf, signedBytes } from './canonical.ts'
import { isSignedBy, signBytes, verifyingKey } from './ed25519.ts'
import { type Form, exactly, formed, lineOfText, listOf } from './form.ts'
import { forms } from './forms.ts'
import { hubPublicKey } from './hub-id.ts'
import { parsedJson, signatureBytes } from './statement.ts'

/** First line of what both hub keys sign. */
export const SUCCESSION_TAG = 'omnigate/hub-succession/1'
const MAX_CHARS = 2048
const MAX_REASON_BYTES = 256

/** Two hub keys' word that the hub of the one goes on under the other. @see specs/federation-links.md, section 6 */
export type SuccessionStatement = {
  /** Whole seconds since 1970; for people. */
  readonly at: number
  /** The hub id that ends. */
  readonly hub: string
  /** For people; may be empty. */
  readonly reason: string
  /** The hub id under which it goes on. */
  readonly successor: string
}

export interface Succession {
  readonly statement: SuccessionStatement
  /** By the key of `hub`, and by that of `successor`. */
  readonly signatures: readonly [Uint8Array, Uint8Array]
}

const STATEMENT: Form<SuccessionStatement> = exactly({
  at: forms.seconds,
  hub: forms.hub,
  reason: lineOfText(MAX_REASON_BYTES),
  successor: forms.hub
})
const SUCCESSION = exactly({ signatures: listOf(forms.signature, 2, 2), statement: STATEMENT })

/** The statement signed with both hub keys. */
export function succeed(
  keys: { readonly hub: KeyObject; readonly successor: KeyObject },
  statement: SuccessionStatement
): Succession {
  const bytes = signedBytes(SUCCESSION_TAG, statement)
  return { statement, signatures: [signBytes(keys.hub, bytes), signBytes(keys.successor, bytes)] }
}

/** As a line, without its line feed: canonical JSON of `signatures`, that of the hub that ends first, and `statement`. */
export function formatSuccession({ statement, signatures }: Succession): string {
  return canonicalJson({
    signatures: signatures.map(signature => Buffer.from(signature).toString('base64')),
    statement
  })
}

/**
 * Reads what `formatSuccession` writes, and only that form.
 * @throws SyntaxError with all that is wrong. Proves nothing yet: see `successionProblem`.
 */
export function parseSuccession(line: string): Succession {
  if (line.length > MAX_CHARS) throw new SyntaxError(`longer than ${MAX_CHARS} characters`)
  const { signatures, statement } = formed(SUCCESSION, parsedJson(line))
  const [hub, successor] = signatures.map(signatureBytes)
  const succession: Succession = { statement, signatures: [hub!, successor!] }
  if (!isTextOf(line, () => formatSuccession(succession))) throw new SyntaxError('not canonical JSON')
  return succession
}

/** Why a succession is not the word of both hubs; undefined when it is. A hub does not succeed itself: `cycle`. */
export function successionProblem({
  statement,
  signatures
}: Succession): 'cycle' | 'signature' | 'successor_signature' | undefined {
  const { hub, successor } = statement
  const bytes = signedBytes(SUCCESSION_TAG, statement)
  if (hub === successor) return 'cycle'
  if (!isSignedByHub(hub, bytes, signatures[0])) return 'signature'
  return isSignedByHub(successor, bytes, signatures[1]) ? undefined : 'successor_signature'
}

function isSignedByHub(hub: string, bytes: Uint8Array, signature: Uint8Array): boolean {
  const key = hubPublicKey(hub)
  return key !== undefined && isSignedBy(verifyingKey(key), bytes, signature)
}
