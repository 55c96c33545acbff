import type { KeyObject } from 'node:crypto'
import { type CanonicalValue, canonicalJson, isTextOf, signedBytes } from './canonical.ts'
import { isSignedBy, signBytes, verifyingKey } from './ed25519.ts'
import { type Form, exactly, formed } from './form.ts'
import { forms } from './forms.ts'

/** A kind of signed statement. @see specs/federation-links.md, section 3 */
export interface StatementKind<S extends CanonicalValue> {
  /** The domain tag, the first line of what is signed. */
  readonly tag: string
  readonly form: Form<S>
  /** The longest line, without a line feed. */
  readonly maxChars: number
}

export interface Signed<S> {
  readonly statement: S
  readonly signature: Uint8Array
}

export function signStatement<S extends CanonicalValue>(
  kind: StatementKind<S>,
  key: KeyObject,
  statement: S
): Signed<S> {
  return { statement, signature: signBytes(key, signedBytes(kind.tag, statement)) }
}

/** A statement as a line, without its line feed: canonical JSON of `signature` in base64 and `statement`. */
export function formatSigned({ statement, signature }: Signed<CanonicalValue>): string {
  return canonicalJson({ signature: Buffer.from(signature).toString('base64'), statement })
}

/**
 * Reads what `formatSigned` writes, and only that, so that no two lines stand for one statement. Proves nothing yet.
 * @throws SyntaxError with all that is wrong.
 */
export function parseSigned<S extends CanonicalValue>(kind: StatementKind<S>, line: string): Signed<S> {
  if (line.length > kind.maxChars) throw new SyntaxError(`longer than ${kind.maxChars} characters`)
  const signed = readSigned(kind, parsedJson(line))
  if (!isTextOf(line, () => formatSigned(signed))) throw new SyntaxError('not canonical JSON')
  return signed
}

/**
 * The same for a value that stood in strict JSON: one without fractions and without a member twice.
 * @throws SyntaxError with all that is wrong; its length is the caller's to bound.
 */
export function readSigned<S extends CanonicalValue>(kind: StatementKind<S>, value: unknown): Signed<S> {
  const form = exactly({ signature: forms.signature, statement: kind.form })
  const { signature, statement } = formed(form, value)
  return { signature: signatureBytes(signature), statement }
}

/** Whether the holder of a key signed it as a statement of this kind. @throws RangeError for an unusable key. */
export function isStatementBy<S extends CanonicalValue>(
  kind: StatementKind<S>,
  { statement, signature }: Signed<S>,
  publicKey: Uint8Array
): boolean {
  return isSignedBy(verifyingKey(publicKey), signedBytes(kind.tag, statement), signature)
}

/** @throws SyntaxError that says nothing of what stood there. */
export function parsedJson(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch {
    throw new SyntaxError('not JSON')
  }
}

/** The bytes of a text of `forms.signature`. @throws SyntaxError for a text that is not the one for its bytes. */
export function signatureBytes(text: string): Uint8Array {
  const bytes = Buffer.from(text, 'base64')
  // The last character before the padding has bits that say nothing.
  if (bytes.toString('base64') !== text) throw new SyntaxError('signature: not 64 bytes in base64')
  return bytes
}
