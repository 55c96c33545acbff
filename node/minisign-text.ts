const MAX_CHARS = 8192

/** Thrown by the parsers and by `verifyFile`; the message says what is wrong, never what the secret is. */
export class MinisignError extends Error {
  override readonly name = 'MinisignError'
}

type Lines<P extends readonly string[]> = { readonly [K in keyof P]: string }
type WithoutComment<P extends readonly string[]> = P extends readonly ['untrusted comment: ', ...infer Rest]
  ? Rest extends readonly string[]
    ? Lines<Rest>
    : never
  : Lines<P>

/** The lines of a minisign file behind their prefixes, without the untrusted comment; exactly those, no more. */
export function parseLines<const P extends readonly string[]>(
  text: string,
  prefixes: P,
  subject: string
): WithoutComment<P> {
  if (text.length > MAX_CHARS) throw new MinisignError(`${subject}: longer than ${MAX_CHARS} characters`)
  const lines = text.replace(/\r?\n$/, '').split(/\r?\n/)
  if (lines.length !== prefixes.length)
    throw new MinisignError(`${subject}: expected ${prefixes.length} lines`)
  const bodies = lines.map((line, i) => {
    const prefix = prefixes[i] ?? ''
    if (!line.startsWith(prefix))
      throw new MinisignError(`${subject}: line ${i + 1} must begin with "${prefix}"`)
    return line.slice(prefix.length)
  })
  // One body for each prefix, as counted above.
  return (prefixes[0] === 'untrusted comment: ' ? bodies.slice(1) : bodies) as unknown as WithoutComment<P>
}

/** Exactly `length` bytes from base64 in its one canonical form. */
export function decodeBase64(text: string, length: number, subject: string): Buffer {
  const bytes = Buffer.from(text.slice(0, 4 * length), 'base64')
  if (bytes.length !== length || bytes.toString('base64') !== text) {
    throw new MinisignError(`${subject}: expected the base64 of ${length} bytes`)
  }
  return bytes
}
