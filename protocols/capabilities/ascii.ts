const utf8 = new TextDecoder('utf-8', { ignoreBOM: true })
const encoder = new TextEncoder()
const PRINTABLE = /^[ -~]*$/

/** The text of bytes that are all printable ASCII; undefined when one is not. */
export function asciiText(bytes: Uint8Array): string | undefined {
  const text = utf8.decode(bytes)
  return PRINTABLE.test(text) ? text : undefined
}

/** The bytes of printable ASCII; undefined for text that holds anything else. */
export const asciiBytes = (text: string): Uint8Array | undefined =>
  PRINTABLE.test(text) ? encoder.encode(text) : undefined

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'))

/** Two lower-case digits for each byte from `from` up to `to`. */
export function hexText(bytes: Uint8Array, from = 0, to = bytes.length): string {
  let text = ''
  for (let i = from; i < to; i++) text += HEX[bytes[i]!]!
  return text
}

/** The bytes of lower-case hex; undefined for any other text. */
export function hexBytes(text: string): Uint8Array | undefined {
  if (!/^(?:[0-9a-f]{2})*$/.test(text)) return undefined
  return Uint8Array.from({ length: text.length / 2 }, (_, i) => parseInt(text.slice(2 * i, 2 * i + 2), 16))
}
