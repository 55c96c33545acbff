import { createHash } from 'node:crypto'

const TAG = 'omnigate/pairing-fingerprint/1\n'
const ALPHABET = 'abcdefghijklmnopqrstuvwxyz234567'
const GROUPS = 4
const GROUP_CHARS = 4
const BITS_PER_CHAR = 5n

/**
 * What both operators compare after a pairing: four groups of four letters and digits, 80 bits of a digest over the
 * transcript id (64 hex digits), and so over both hubs and both nonces.
 * @see specs/federation-links.md, section 8.3
 */
export function pairingFingerprint(transcript: string): string {
  const digest = createHash('sha256').update(TAG).update(Buffer.from(transcript, 'hex')).digest('hex')
  const chars = GROUPS * GROUP_CHARS
  const bits = BigInt(`0x${digest.slice(0, (chars * Number(BITS_PER_CHAR)) / 4)}`)
  const letters = Array.from({ length: chars }, (_, n) => {
    const shift = BITS_PER_CHAR * BigInt(chars - 1 - n)
    return ALPHABET[Number((bits >> shift) & 31n)]!
  }).join('')
  return letters.replace(/.{4}(?=.)/g, '$&-')
}

/** Whether two texts are the same fingerprint; case, spaces and dashes do not matter to a person who types one. */
export const isSameFingerprint = (typed: string, shown: string): boolean =>
  typed.replace(/[\s-]/g, '').toLowerCase() === shown.replaceAll('-', '')
