import { OapError } from './errors.ts'

export type Json = null | boolean | number | string | readonly Json[] | JsonObject
export interface JsonObject {
  readonly [member: string]: Json
}

export const MAX_JSON_BYTES = 65_536
export const MAX_JSON_DEPTH = 16

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
const encoder = new TextEncoder()

/** The bytes of one JSON object. Throws `bad_request` for what a reader would refuse: a fraction, a number beyond 2^53 - 1, half a surrogate pair. */
export function encodeJson(value: JsonObject): Uint8Array {
  return encoder.encode(jsonText(value))
}

/** The same as text. */
export function jsonText(value: JsonObject): string {
  // Judged first: a replacer would make JSON.stringify several times slower.
  refuseUnreadable(value)
  return JSON.stringify(value)
}

function refuseUnreadable(holder: object): void {
  for (const member of Object.keys(holder)) {
    const value = (holder as Readonly<Record<string, unknown>>)[member]
    if (typeof value === 'object') {
      if (value !== null) refuseUnreadable(value)
    } else if (typeof value === 'string') {
      if (!value.isWellFormed()) throw new OapError('bad_request', `${member}: holds half a surrogate pair`)
    } else if (typeof value === 'number' && !Number.isSafeInteger(value)) {
      throw new OapError('bad_request', `${member}: ${value} is not an integer within 2^53 - 1`)
    }
  }
}

export interface JsonBounds {
  readonly maxBytes?: number
  /** Of members and items in all. Default any number. */
  readonly maxValues?: number
  /** How deep objects and lists stand in each other. Default 16. */
  readonly maxDepth?: number
}

/**
 * The object that `bytes` hold: one JSON object, UTF-8, integers only, no member twice.
 * Throws `body_oversize` above 64 KiB, else `bad_payload`.
 * @see specs/oap-1.md, Payload forms
 */
export function parseJson(
  bytes: Uint8Array,
  { maxBytes = MAX_JSON_BYTES, maxValues = Infinity, maxDepth = MAX_JSON_DEPTH }: JsonBounds = {}
): JsonObject {
  if (bytes.length > maxBytes)
    throw new OapError('body_oversize', `a header of ${bytes.length} bytes, at most ${maxBytes}`)
  let text: string
  try {
    text = utf8.decode(bytes)
  } catch {
    throw new OapError('bad_payload', 'the JSON is not valid UTF-8')
  }
  return new Reader(text, maxValues, maxDepth).document()
}

const INTEGER = /-?(?:0|[1-9][0-9]*)(?![0-9.eE])/y
const SPACE = /[ \t\n\r]*/y
const SPACE_CODE = 0x20
// eslint-disable-next-line no-control-regex -- JSON forbids exactly these in strings
const PLAIN = /[^"\\\u0000-\u001f]*/y
const ESCAPES: Record<string, string> = {
  '"': '"',
  '\\': '\\',
  '/': '/',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t'
}
/** By their first letter. */
const LITERALS: Readonly<Record<string, { readonly word: string; readonly value: Json }>> = {
  t: { word: 'true', value: true },
  f: { word: 'false', value: false },
  n: { word: 'null', value: null }
}

/** A strict reader: it judges while it reads, so that nothing is built before it is known to be allowed. */
class Reader {
  readonly #text: string
  readonly #maxValues: number
  readonly #maxDepth: number
  #values = 0
  #at = 0

  constructor(text: string, maxValues: number, maxDepth: number) {
    this.#text = text
    this.#maxValues = maxValues
    this.#maxDepth = maxDepth
  }

  document(): JsonObject {
    this.#space()
    if (this.#text[this.#at] !== '{') this.#refuse('an object was expected')
    const value = this.#object(1)
    this.#space()
    if (this.#at < this.#text.length) this.#refuse('something follows the object')
    return value
  }

  #value(depth: number): Json {
    if (++this.#values > this.#maxValues) this.#refuse(`more than ${this.#maxValues} values`)
    const c = this.#text[this.#at]
    if (c === '"') return this.#string()
    if (c === '{') return this.#object(depth)
    if (c === '[') return this.#array(depth)
    const literal = LITERALS[c ?? '']
    if (literal === undefined || !this.#text.startsWith(literal.word, this.#at)) return this.#integer()
    this.#at += literal.word.length
    return literal.value
  }

  #object(depth: number): JsonObject {
    this.#deeper(depth)
    const object: Record<string, Json> = {}
    if (this.#opened('}')) return object
    for (;;) {
      const member = this.#member()
      if (Object.hasOwn(object, member)) this.#refuse(`member ${JSON.stringify(member)} stands twice`)
      const value = this.#value(depth + 1)
      if (member === '__proto__') Object.defineProperty(object, member, { value, enumerable: true })
      else object[member] = value
      if (this.#next('}')) return object
    }
  }

  #array(depth: number): Json[] {
    this.#deeper(depth)
    const items: Json[] = []
    if (this.#opened(']')) return items
    for (;;) {
      items.push(this.#value(depth + 1))
      if (this.#next(']')) return items
    }
  }

  #deeper(depth: number): void {
    if (depth > this.#maxDepth) this.#refuse(`deeper than ${this.#maxDepth}`)
  }

  #opened(close: string): boolean {
    this.#at++
    this.#space()
    if (this.#text[this.#at] !== close) return false
    this.#at++
    return true
  }

  #next(close: string): boolean {
    this.#space()
    const c = this.#text[this.#at++]
    if (c === close) return true
    if (c !== ',') this.#refuse(`',' or '${close}' was expected`)
    this.#space()
    return false
  }

  #member(): string {
    if (this.#text[this.#at] !== '"') this.#refuse('a member name was expected')
    const name = this.#string()
    this.#space()
    if (this.#text[this.#at++] !== ':') this.#refuse("':' was expected")
    this.#space()
    return name
  }

  #integer(): number {
    const digits = this.#match(INTEGER)
    // The sum turns -0 into 0.
    const value = Number(digits) + 0
    if (digits === '') this.#refuse('a value was expected; fractions and exponents are not taken')
    if (!Number.isSafeInteger(value)) this.#refuse(`${digits} is beyond 2^53 - 1`)
    return value
  }

  #string(): string {
    this.#at++
    let out = this.#match(PLAIN)
    while (this.#text[this.#at] !== '"') {
      if (this.#text[this.#at] !== '\\') this.#refuse('a string does not end, or holds a control character')
      out += this.#escape() + this.#match(PLAIN)
    }
    this.#at++
    if (!out.isWellFormed()) this.#refuse('a string holds half a surrogate pair')
    return out
  }

  #escape(): string {
    const c = this.#text[this.#at + 1] ?? ''
    const short = ESCAPES[c]
    if (short !== undefined) {
      this.#at += 2
      return short
    }
    const hex = this.#text.slice(this.#at + 2, this.#at + 6)
    if (c !== 'u' || !/^[0-9a-fA-F]{4}$/.test(hex)) this.#refuse('an unknown escape')
    this.#at += 6
    return String.fromCharCode(parseInt(hex, 16))
  }

  #space(): void {
    // Most headers have none, and no character above it is one.
    if (this.#text.charCodeAt(this.#at) > SPACE_CODE) return
    this.#match(SPACE)
  }

  #match(pattern: RegExp): string {
    const from = this.#at
    pattern.lastIndex = from
    if (!pattern.test(this.#text)) return ''
    this.#at = pattern.lastIndex
    return this.#text.slice(from, this.#at)
  }

  #refuse(why: string): never {
    throw new OapError('bad_payload', `JSON at character ${this.#at}: ${why}`)
  }
}
