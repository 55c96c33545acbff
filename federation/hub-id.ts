import { PUBLIC_KEY_BYTES, isUsablePublicKey } from './ed25519.ts'
import { remembered } from './remembered.ts'

const ALPHABET = 'abcdefghijklmnopqrstuvwxyz234567'
const HUB_ID = /^h1[a-z2-7]{52}$/
/** As many hubs as an allowlist has. */
const MOST_KNOWN = 1024

/** The hub id of a public key: `h1` and 52 characters of unpadded lower-case base32. */
export function hubId(publicKey: Uint8Array): string {
  if (!isUsablePublicKey(publicKey)) throw new RangeError('not a usable Ed25519 public key')
  let bits = 0n
  for (const byte of publicKey) bits = (bits << 8n) | BigInt(byte)
  // 52 characters hold 260 bits; RFC 4648 fills the last ones with zeros.
  bits <<= 4n
  let text = ''
  for (let shift = 255n; shift >= 0n; shift -= 5n) text += ALPHABET[Number((bits >> shift) & 31n)]
  return `h1${text}`
}

/** The public key in a hub id; undefined when the text is not one, is not written in its one form, or the key is weak. */
export function hubPublicKey(id: string): Uint8Array | undefined {
  const key = known(id)
  return key && Uint8Array.from(key)
}

const known = remembered(MOST_KNOWN, readHubKey)

function readHubKey(id: string): Uint8Array | undefined {
  if (!HUB_ID.test(id)) return undefined
  let bits = 0n
  for (const letter of id.slice(2)) bits = (bits << 5n) | BigInt(ALPHABET.indexOf(letter))
  if ((bits & 15n) !== 0n) return undefined
  const bytes = Buffer.from((bits >> 4n).toString(16).padStart(PUBLIC_KEY_BYTES * 2, '0'), 'hex')
  return isUsablePublicKey(bytes) ? Uint8Array.from(bytes) : undefined
}
