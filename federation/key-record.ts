import { createHash } from 'node:crypto'
import { DELEGATION, type Delegation, type Role } from './delegation.ts'
import { KEY_REVOCATION, type KeyRevocation } from './key-revocation.ts'
import { formatSigned, parseSigned, parsedJson } from './statement.ts'
import { type Succession, formatSuccession, parseSuccession } from './succession.ts'

/** The longest line of any of them. */
const MAX_LINE_CHARS = 4096
/** The most that a hub says of its own keys: 256 revocations, 64 successions, 256 delegations. */
export const MAX_KEY_RECORDS = 576
/** The most that travels at one time. */
export const MAX_KEY_PAGE_BYTES = 32_768
const LINE_FEED = 10

/** What a hub key signs about keys. */
export type KeyRecord =
  | { readonly kind: 'delegation'; readonly record: Delegation<Role> }
  | { readonly kind: 'key_revocation'; readonly record: KeyRevocation }
  | { readonly kind: 'succession'; readonly record: Succession }

/** A part of what a hub says of its keys. @see specs/federation-links.md, section 16 */
export interface KeyPage {
  /** How many lines there are in all. */
  readonly total: number
  /** SHA-256 of all of them, each with its line feed, in hex. */
  readonly digest: string
  readonly body: Uint8Array
}

export const keyRecordLine = (one: KeyRecord): string =>
  one.kind === 'succession' ? formatSuccession(one.record) : formatSigned(one.record)

/** Reads what `keyRecordLine` writes, and only that. Proves nothing yet. @throws SyntaxError with all that is wrong. */
export function parseKeyRecord(line: string): KeyRecord {
  if (line.length > MAX_LINE_CHARS) throw new SyntaxError(`longer than ${MAX_LINE_CHARS} characters`)
  const value = parsedJson(line) as { readonly statement?: { readonly role?: unknown } } | null
  if (value !== null && typeof value === 'object' && 'signatures' in value)
    return { kind: 'succession', record: parseSuccession(line) }
  return value?.statement?.role === undefined
    ? { kind: 'key_revocation', record: parseSigned(KEY_REVOCATION, line) }
    : { kind: 'delegation', record: parseSigned(DELEGATION, line) as Delegation<Role> }
}

/** As many of some lines as fit, from one on; at least one where there is one. */
export function keyPage(lines: readonly string[], from: number, digest = keyDigest(lines)): KeyPage {
  const taken: string[] = []
  let bytes = 0
  for (const line of lines.slice(from)) {
    bytes += line.length + 1
    if (taken.length > 0 && bytes > MAX_KEY_PAGE_BYTES) break
    taken.push(`${line}\n`)
  }
  return { total: lines.length, digest, body: Buffer.from(taken.join('')) }
}

/** SHA-256 of lines, each with its line feed, in hex. */
export function keyDigest(lines: readonly string[]): string {
  const hash = createHash('sha256')
  for (const line of lines) hash.update(`${line}\n`)
  return hash.digest('hex')
}

/**
 * The lines of a page, at most `MAX_KEY_RECORDS`, none of them empty. They are counted before any is read.
 * @throws SyntaxError for any other, and for a page that is too long, or does not end with a line feed.
 */
export function keyPageLines(body: Uint8Array): readonly string[] {
  if (body.length > MAX_KEY_PAGE_BYTES) throw new SyntaxError(`longer than ${MAX_KEY_PAGE_BYTES} bytes`)
  if (body.length === 0) return []
  if (body.at(-1) !== LINE_FEED) throw new SyntaxError('does not end with a line feed')
  let lines = 0
  let from = 0
  for (let end = body.indexOf(LINE_FEED); end !== -1; end = body.indexOf(LINE_FEED, from)) {
    if (end === from) throw new SyntaxError('an empty line')
    if (++lines > MAX_KEY_RECORDS) throw new SyntaxError(`more than ${MAX_KEY_RECORDS} lines`)
    from = end + 1
  }
  return Buffer.from(body).toString().slice(0, -1).split('\n')
}
