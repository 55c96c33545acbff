import { hash as digest } from 'node:crypto'
import { type CanonicalValue, canonicalJson } from '../../federation/index.ts'

/** The longest line, without its line feed. */
export const MAX_LINE_BYTES = 16_384
/** What `prev` of the first entry says. */
export const NO_PREVIOUS = '0'.repeat(64)

const VERSION = 1
const MAX_NAME_BYTES = 512
const OPTIONAL = ['decision', 'trace_id', 'corr_id'] as const
const ALWAYS = ['actor', 'data', 'hash', 'id', 'prev', 'seq', 'subject', 'ts', 'type', 'v'] as const
const NAMES: readonly string[] = [...ALWAYS, ...OPTIONAL]
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

export type EntryData = { readonly [member: string]: CanonicalValue }

/** What an entry says, before it has its place in a log. */
export interface EntryContent {
  readonly type: string
  readonly actor: string
  readonly subject: string
  readonly decision?: 'allow' | 'deny'
  readonly trace_id?: string
  readonly corr_id?: string
  readonly data: EntryData
}

export interface EntryPlace {
  readonly seq: number
  /** Milliseconds since 1970 by the node's clock, which may be turned back: the order is that of `seq`. */
  readonly ts: number
  /** 128 random bits in hex. */
  readonly id: string
  /** The `hash` of the entry before, or `NO_PREVIOUS`. */
  readonly prev: string
}

export interface Entry extends EntryContent, EntryPlace {
  readonly v: 1
  readonly hash: string
}

/** A line as it stands in the file, without its line feed; it is the leaf of the tree. */
export interface EntryLine {
  readonly line: Buffer
  readonly hash: string
}

/**
 * The canonical line of an entry. Data that would make it longer than 16,384 bytes are replaced by their SHA-256 and
 * length. @throws TypeError for data that have no canonical form, RangeError for names that are too long.
 */
export function encodeEntry(content: EntryContent, place: EntryPlace): EntryLine {
  const data = canonicalData(content.data)
  const entry = encodeWith(content, place, data)
  if (entry.line.length <= MAX_LINE_BYTES) return entry
  const bytes = Buffer.from(data)
  const short = encodeWith(
    content,
    place,
    canonicalJson({ length: bytes.length, sha256: digest('sha256', bytes, 'hex') })
  )
  if (short.line.length <= MAX_LINE_BYTES) return short
  throw new RangeError(`${content.type}: an entry longer than ${MAX_LINE_BYTES} bytes`)
}

// The members in the order of RFC 8785; `hash` stands between `head` and `tail`, so that both forms cost one pass.
function encodeWith(content: EntryContent, place: EntryPlace, data: string): EntryLine {
  const { actor, corr_id, decision, subject, trace_id, type } = content
  const head = `{"actor":${text(actor)}${member('corr_id', corr_id)},"data":${data}${member('decision', decision)},`
  const tail =
    `"id":${text(place.id)},"prev":${text(place.prev)},"seq":${place.seq},"subject":${text(subject)}` +
    `${member('trace_id', trace_id)},"ts":${place.ts},"type":${text(type)},"v":${VERSION}}`
  const hash = digest('sha256', head + tail, 'hex')
  return { line: Buffer.from(`${head}"hash":"${hash}",${tail}`), hash }
}

/** Nearly all data are one object of words and numbers, whose canonical form is its members in order. */
function canonicalData(data: EntryData): string {
  let json = ''
  for (const name of Object.keys(data).sort()) {
    const value = data[name]
    const isPlain =
      typeof value === 'string'
        ? value.isWellFormed()
        : typeof value === 'boolean' || Number.isSafeInteger(value)
    if (!isPlain || !name.isWellFormed()) return canonicalJson(data)
    json += `${json === '' ? '' : ','}${JSON.stringify(name)}:${JSON.stringify(value)}`
  }
  return `{${json}}`
}

function text(value: string): string {
  if (value.length > MAX_NAME_BYTES)
    throw new RangeError(`a member of more than ${MAX_NAME_BYTES} characters`)
  if (!value.isWellFormed()) throw new TypeError('a member with half a surrogate pair')
  return JSON.stringify(value)
}

function member(name: string, value: string | undefined): string {
  return value === undefined ? '' : `,"${name}":${text(value)}`
}

/** The entry of a line, whose own hash fits it. @throws SyntaxError for any other form of it than the canonical one. */
export function parseEntry(line: Uint8Array): Entry {
  if (line.length > MAX_LINE_BYTES) throw new SyntaxError(`longer than ${MAX_LINE_BYTES} bytes`)
  const entry = jsonOf(line)
  const problem = formProblem(entry)
  if (problem !== undefined) throw new SyntaxError(problem)
  const claimed = entry as unknown as Entry
  if (Buffer.compare(encodedAgain(claimed), line) === 0) return claimed
  throw new SyntaxError('its hash does not fit it, or it is not canonical JSON')
}

function jsonOf(line: Uint8Array): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(utf8.decode(line))
    if (typeof value === 'object' && value !== null) return value as Record<string, unknown>
  } catch {
    // Falls through to the one message that is true of every such line.
  }
  throw new SyntaxError('not a JSON object in UTF-8')
}

function formProblem(entry: Readonly<Record<string, unknown>>): string | undefined {
  const stray = Object.keys(entry).find(name => !NAMES.includes(name))
  if (stray !== undefined) return 'a member that entries do not have'
  const missing = ALWAYS.find(name => entry[name] === undefined)
  if (missing !== undefined) return `no ${missing}`
  const { v, seq, ts, data, decision } = entry
  if (v !== VERSION) return 'not of version 1'
  if (!isNatural(seq)) return 'seq: not a whole number'
  if (!isNatural(ts)) return 'ts: not a whole number'
  if (typeof data !== 'object' || data === null || Array.isArray(data)) return 'data: not an object'
  if (decision !== undefined && decision !== 'allow' && decision !== 'deny') return 'decision: allow or deny'
  const words = ['actor', 'corr_id', 'hash', 'id', 'prev', 'subject', 'trace_id', 'type']
  const wrong = words.find(name => entry[name] !== undefined && typeof entry[name] !== 'string')
  return wrong === undefined ? undefined : `${wrong}: not text`
}

function encodedAgain(entry: Entry): Buffer {
  try {
    return encodeWith(entry, entry, canonicalData(entry.data)).line
  } catch {
    return Buffer.alloc(0)
  }
}

const isNatural = (value: unknown): boolean =>
  typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 && !Object.is(value, -0)
