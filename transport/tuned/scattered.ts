import type { Bytes } from './message-stream.ts'

/** So many pieces may be kept apart, however small. */
const FEW_PIECES = 32
/** Beyond those, a piece must hold so many bytes on average: its object costs memory too. */
const LEAST_PIECE_BYTES = 512

/** True for bytes kept in so many pieces that the pieces cost more than the bytes. */
export function isScattered(pieces: number, bytes: number): boolean {
  return pieces > FEW_PIECES + bytes / LEAST_PIECE_BYTES
}

/** The same bytes in memory of their own. */
export function joined(data: Bytes): Uint8Array {
  if (data instanceof Uint8Array) return data.slice()
  const whole = new Uint8Array(data.byteLength)
  let at = 0
  for (const piece of data) {
    whole.set(piece, at)
    at += piece.byteLength
  }
  return whole
}
