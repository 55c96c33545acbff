import canonicalize from 'canonicalize'

export type CanonicalValue =
  string | number | boolean | null | readonly CanonicalValue[] | { readonly [key: string]: CanonicalValue }

/**
 * RFC 8785 canonical JSON of a statement. Numbers must be integers within +-(2^53-1) and strings well-formed, so that
 * every language writes the same bytes.
 * @throws TypeError for anything else.
 */
export function canonicalJson(value: CanonicalValue): string {
  refuseUnsafe(value, '$')
  return canonicalize(value) ?? ''
}

/** The same of what `parseJson` read, which has refused all that has no such text. */
export const canonicalJsonRead = (value: CanonicalValue): string => canonicalize(value) ?? ''

/** Whether `text` is what `write` gives; a value without a canonical form has no text. */
export function isTextOf(text: string, write: () => string): boolean {
  try {
    return write() === text
  } catch (error) {
    if (error instanceof TypeError) return false
    throw error
  }
}

/** What is signed: the domain tag, a line feed, the canonical JSON; UTF-8. */
export function signedBytes(domainTag: string, value: CanonicalValue): Uint8Array {
  return Buffer.from(`${domainTag}\n${canonicalJson(value)}`, 'utf8')
}

function refuseUnsafe(value: CanonicalValue, path: string): void {
  if (typeof value === 'number' && !Number.isSafeInteger(value))
    throw new TypeError(`${path}: not a safe integer`)
  if (typeof value === 'string' && !value.isWellFormed()) throw new TypeError(`${path}: lone surrogate`)
  if (typeof value !== 'object' || value === null) {
    if (value === undefined || typeof value === 'bigint') throw new TypeError(`${path}: not JSON`)
    return
  }
  for (const [key, member] of Object.entries(value)) {
    refuseUnsafe(key, path)
    refuseUnsafe(member, `${path}.${key}`)
  }
}
