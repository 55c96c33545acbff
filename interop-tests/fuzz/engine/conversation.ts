import { STEP_VERSION, cutFrames } from './frames.ts'

/** A step of a conversation: bytes for the wire, or something else that a peer or the time may do. */
export type Step<Act extends string> =
  { readonly act: 'send'; readonly bytes: Uint8Array } | { readonly act: Act; readonly amount: number }

/**
 * Reads an input as a conversation. A piece that is cut out like a frame and has version 0xd0 is a step:
 * its flags choose among `acts`, its code is the amount. Every other piece is sent as it is.
 */
export function conversation<Act extends string>(input: Uint8Array, acts: readonly Act[]): Step<Act>[] {
  return cutFrames(input).map(piece => {
    if (piece.length < 37 || piece[4] !== STEP_VERSION) return { act: 'send', bytes: piece }
    return { act: acts[piece[5]! % acts.length]!, amount: piece[7]! | (piece[8]! << 8) }
  })
}
