const ALPHABET = 'abcdefghijklmnopqrstuvwxyz234567'
const VALUES = new Int8Array(128).fill(-1)
for (let value = 0; value < ALPHABET.length; value++) VALUES[ALPHABET.charCodeAt(value)] = value

/** RFC 4648 base 32 in lower case, without padding. */
export function base32Text(bytes: Uint8Array): string {
  let text = ''
  let held = 0
  let bits = 0
  for (const byte of bytes) {
    held = (held << 8) | byte
    bits += 8
    while (bits >= 5) {
      bits -= 5
      text += ALPHABET[(held >>> bits) & 31]
    }
    held &= (1 << bits) - 1
  }
  return bits === 0 ? text : text + ALPHABET[(held << (5 - bits)) & 31]
}

/** The bytes of the one text that stands for them; undefined for upper case, padding and bits that are left over. */
export function base32Bytes(text: string): Uint8Array | undefined {
  const bytes = new Uint8Array((text.length * 5) >>> 3)
  let held = 0
  let bits = 0
  let at = 0
  for (let n = 0; n < text.length; n++) {
    const value = VALUES[text.charCodeAt(n)] ?? -1
    if (value < 0) return undefined
    held = (held << 5) | value
    bits += 5
    if (bits < 8) continue
    bits -= 8
    bytes[at++] = held >>> bits
    held &= (1 << bits) - 1
  }
  return bits < 5 && held === 0 ? bytes : undefined
}
