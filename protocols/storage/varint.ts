/** A number and the place behind it. */
export interface Varint {
  readonly value: number
  readonly end: number
}

/**
 * The unsigned varint at `at`, in its shortest form and at most 2^53 - 1; undefined for any other, and for one that is cut
 * off by `limit`.
 */
export function readVarint(bytes: Uint8Array, at: number, limit: number = bytes.length): Varint | undefined {
  let value = 0
  let scale = 1
  for (let n = at; n < limit && n - at < 8; n++) {
    const byte = bytes[n]!
    value += (byte & 0x7f) * scale
    if (byte < 0x80) {
      const isShortest = byte !== 0 || n === at
      return isShortest && value <= Number.MAX_SAFE_INTEGER ? { value, end: n + 1 } : undefined
    }
    scale *= 128
  }
  return undefined
}

/** How many bytes `writeVarint` writes. */
export function varintBytes(value: number): number {
  let bytes = 1
  for (let rest = value; rest >= 128; rest = Math.floor(rest / 128)) bytes++
  return bytes
}

/** Writes `value`, an integer from 0 to 2^53 - 1, and yields the place behind it. */
export function writeVarint(bytes: Uint8Array, at: number, value: number): number {
  let rest = value
  let n = at
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes[n++] = (rest % 128) | 0x80
  bytes[n++] = rest
  return n
}
