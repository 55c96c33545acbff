import { asciiBytes, asciiText } from './ascii.ts'
import { decodeBase64url, encodeBase64url } from './base64url.ts'
import { MAX_CAVEATS, MAX_TOKEN_BYTES, SIGNATURE_BYTES, VID_BYTES } from './macaroon.ts'
import type { Macaroon, RawCaveat, Token } from './macaroon.ts'
import { malformed } from './malformed.ts'

const VERSION = 2
const FIELD = { end: 0, location: 1, identifier: 2, vid: 4, signature: 6 } as const
const MAX_TOKEN_CHARS = Math.ceil((MAX_TOKEN_BYTES * 4) / 3)

/**
 * The macaroon in `bytes` and the discharges behind it, as views into them. Takes the V2 format and nothing else.
 * Throws `cap_foreign` with the reason `malformed`.
 * @see specs/capabilities.md, section 3
 */
export function decodeToken(bytes: Uint8Array): Token {
  if (bytes.length > MAX_TOKEN_BYTES) throw malformed(`longer than ${MAX_TOKEN_BYTES} bytes`)
  const reader = new TokenReader(bytes)
  const macaroon = reader.macaroon()
  if (reader.isAtEnd) return { macaroon, discharges: [] }
  const discharges: Macaroon[] = []
  while (!reader.isAtEnd) discharges.push(reader.macaroon())
  return { macaroon, discharges }
}

/** Throws `cap_foreign` with the reason `malformed` for a token that `decodeToken` would refuse. */
export function encodeToken({ macaroon, discharges }: Token): Uint8Array {
  const bytes: number[] = []
  for (const each of [macaroon, ...discharges]) writeMacaroon(bytes, each)
  const encoded = Uint8Array.from(bytes)
  decodeToken(encoded)
  return encoded
}

/** A token as text: base64url without padding. */
export const tokenText = (token: Token): string => encodeBase64url(encodeToken(token))

/** The bytes of a token from its text. Throws `cap_foreign` with the reason `malformed`. */
export function tokenBytes(text: string): Uint8Array {
  if (text.length > MAX_TOKEN_CHARS) throw malformed(`longer than ${MAX_TOKEN_CHARS} characters`)
  const bytes = decodeBase64url(text)
  if (bytes === undefined) throw malformed('not base64url without padding')
  return bytes
}

class TokenReader {
  readonly #bytes: Uint8Array
  #at = 0
  #caveats = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  get isAtEnd(): boolean {
    return this.#at === this.#bytes.length
  }

  macaroon(): Macaroon {
    if (this.#byte() !== VERSION) throw malformed('not a macaroon of version 2')
    const location = this.#location()
    const identifier = this.#identifier()
    this.#expect(FIELD.end, 'the end of the header')
    const caveats: RawCaveat[] = []
    while (this.#peek() !== FIELD.end) caveats.push(this.#caveat())
    this.#expect(FIELD.end, 'the end of the caveats')
    this.#expect(FIELD.signature, 'the signature')
    const signature = this.#field()
    if (signature.length !== SIGNATURE_BYTES) throw malformed(`a signature of ${signature.length} bytes`)
    return location === undefined
      ? { identifier, caveats, signature }
      : { location, identifier, caveats, signature }
  }

  #caveat(): RawCaveat {
    if (++this.#caveats > MAX_CAVEATS) throw malformed(`more than ${MAX_CAVEATS} caveats`)
    const location = this.#location()
    const identifier = this.#identifier()
    if (this.#peek() === FIELD.vid) return this.#thirdParty(identifier, location)
    if (location !== undefined) throw malformed('a first-party caveat has a location')
    this.#expect(FIELD.end, 'the end of a caveat')
    return { identifier }
  }

  #thirdParty(identifier: Uint8Array, location: string | undefined): RawCaveat {
    this.#at++
    const vid = this.#field()
    if (vid.length !== VID_BYTES) throw malformed(`a vid of ${vid.length} bytes`)
    this.#expect(FIELD.end, 'the end of a caveat')
    return location === undefined ? { identifier, vid } : { identifier, vid, location }
  }

  #location(): string | undefined {
    if (this.#peek() !== FIELD.location) return undefined
    this.#at++
    const location = asciiText(this.#field())
    if (location === undefined) throw malformed('a location that is not printable ASCII')
    return location
  }

  #identifier(): Uint8Array {
    this.#expect(FIELD.identifier, 'an identifier')
    const identifier = this.#field()
    if (identifier.length === 0) throw malformed('an empty identifier')
    return identifier
  }

  #field(): Uint8Array {
    const length = this.#length()
    const end = this.#at + length
    if (end > this.#bytes.length) throw malformed('it ends inside a field')
    const field = this.#bytes.subarray(this.#at, end)
    this.#at = end
    return field
  }

  /** A varint of one or two bytes: more would be a length beyond the bound, or not the shortest form. */
  #length(): number {
    const low = this.#byte()
    if (low < 0x80) return low
    const high = this.#byte()
    if (high === 0 || high >= 0x80)
      throw malformed('a length in more bytes than it needs, or beyond the bound')
    return (low & 0x7f) | (high << 7)
  }

  #expect(type: number, what: string): void {
    if (this.#byte() !== type) throw malformed(`${what} was expected`)
  }

  #byte(): number {
    const byte = this.#peek()
    this.#at++
    return byte
  }

  #peek(): number {
    const byte = this.#bytes[this.#at]
    if (byte === undefined) throw malformed('it ends too early')
    return byte
  }
}

function writeMacaroon(bytes: number[], { location, identifier, caveats, signature }: Macaroon): void {
  bytes.push(VERSION)
  writeLocation(bytes, location)
  writeField(bytes, FIELD.identifier, identifier)
  bytes.push(FIELD.end)
  for (const caveat of caveats) {
    writeLocation(bytes, caveat.location)
    writeField(bytes, FIELD.identifier, caveat.identifier)
    if (caveat.vid !== undefined) writeField(bytes, FIELD.vid, caveat.vid)
    bytes.push(FIELD.end)
  }
  bytes.push(FIELD.end)
  writeField(bytes, FIELD.signature, signature)
}

function writeLocation(bytes: number[], location: string | undefined): void {
  if (location === undefined) return
  const field = asciiBytes(location)
  if (field === undefined) throw malformed('a location that is not printable ASCII')
  writeField(bytes, FIELD.location, field)
}

function writeField(bytes: number[], type: number, field: Uint8Array): void {
  if (field.length > MAX_TOKEN_BYTES) throw malformed(`longer than ${MAX_TOKEN_BYTES} bytes`)
  bytes.push(type)
  if (field.length < 0x80) bytes.push(field.length)
  else bytes.push((field.length & 0x7f) | 0x80, field.length >> 7)
  for (const byte of field) bytes.push(byte)
}
