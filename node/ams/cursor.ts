const VERSION = 1
const BYTES = 9

/** The place of an envelope in the order in which envelopes became durable. @see specs/ams.md, section 6 */
export function formatCursor(place: number): string {
  const bytes = Buffer.alloc(BYTES)
  bytes[0] = VERSION
  bytes.writeBigUInt64BE(BigInt(place), 1)
  return bytes.toString('base64url')
}

/** Undefined for a text that is no cursor. */
export function parseCursor(text: string): number | undefined {
  const bytes = Buffer.from(text, 'base64url')
  if (bytes.length !== BYTES || bytes[0] !== VERSION || bytes.toString('base64url') !== text) return undefined
  const place = bytes.readBigUInt64BE(1)
  return place <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(place) : undefined
}
