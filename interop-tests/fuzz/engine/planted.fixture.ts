/** A fault behind five comparisons: by chance alone one input in 2^33 finds it. */
export function planted(bytes: Uint8Array): number {
  if (bytes[0] !== 0x6f) return 0
  if (bytes[1] !== 0x61) return 1
  if (bytes[2] !== 0x70) return 2
  const length = bytes[3]!
  if (length < 4 || length !== bytes.length) return 3
  if (bytes[4]! >= 0x80) throw new RangeError(`planted: ${length} bytes`)
  return 4
}
