import { createHash } from 'node:crypto'
import { CLOCK_SKEW_S } from '../protocols/index.ts'
import { PUBLIC_KEY_BYTES } from './ed25519.ts'
import { hubId, hubPublicKey } from './hub-id.ts'

/** The longest that an invite may live, in seconds. */
export const MAX_INVITE_S = 15 * 60
export const SECRET_BYTES = 16
export const MAX_INVITE_ADDRESSES = 8
/** More than the longest invite; longer texts are not looked at. */
export const MAX_INVITE_CHARS = 4096

const AUDIT_TAG = 'omnigate/invite-audit/1\n'
const VERSION = 1
const CHECK_BYTES = 4
const SECRET_AT = 1 + PUBLIC_KEY_BYTES
const EXPIRES_AT = SECRET_AT + SECRET_BYTES
const ADDRESSES_AT = EXPIRES_AT + 8
/** Printable ASCII that begins as a multiaddr does; whether it can be dialled is found by dialling. */
const ADDRESS = /^\/[!-~]{1,254}$/
const TEXT = /^[A-Za-z0-9_-]+$/
const MAX_TIME_S = 8_640_000_000_000

/** What one operator hands to another so that their hubs may pair. @see specs/federation-links.md, section 8.1 */
export interface Invite {
  /** The hub id of the hub that invites. */
  readonly hub: string
  /** 1 to 8 multiaddrs at which it can be dialled, the best first. */
  readonly addresses: readonly string[]
  /** 16 random bytes, known to whoever has the invite and to nobody else. */
  readonly secret: Uint8Array
  /** Unix seconds from which it is void. */
  readonly expires: number
}

/**
 * The SHA-256 of an invite's secret: all that the hub that invites keeps, and the key of both sides' proofs. Who has it
 * can pair, so it is as secret as the invite.
 */
export const secretDigest = (secret: Uint8Array): Uint8Array => createHash('sha256').update(secret).digest()

/** What an audit log calls the invite of a secret's digest, in hex; it proves nothing and says nothing of the secret. */
export const inviteAuditId = (secretDigest: Uint8Array): string =>
  createHash('sha256').update(AUDIT_TAG).update(secretDigest).digest('hex')

/** An invite as text, base64url. @throws SyntaxError for one that no reader takes. */
export function encodeInvite({ hub, addresses, secret, expires }: Invite): string {
  const key = hubPublicKey(hub)
  if (key === undefined) throw new SyntaxError('hub: not a hub id')
  if (secret.length !== SECRET_BYTES) throw new SyntaxError(`secret: expected ${SECRET_BYTES} bytes`)
  checkExpires(expires)
  checkAddresses(addresses)
  const head = Buffer.alloc(ADDRESSES_AT + 1)
  head.writeUInt8(VERSION, 0)
  head.set(key, 1)
  head.set(secret, SECRET_AT)
  head.writeBigUInt64LE(BigInt(expires), EXPIRES_AT)
  head.writeUInt8(addresses.length, ADDRESSES_AT)
  const tail = addresses.map(address =>
    Buffer.from(`${String.fromCharCode(address.length)}${address}`, 'latin1')
  )
  const body = Buffer.concat([head, ...tail])
  return Buffer.concat([body, checkOf(body)]).toString('base64url')
}

/**
 * The invite in a text; the only text for it.
 * @throws SyntaxError saying what is wrong. Whether it is in time is `inviteProblem`'s to say.
 */
export function decodeInvite(text: string): Invite {
  if (text.length > MAX_INVITE_CHARS) throw new SyntaxError(`longer than ${MAX_INVITE_CHARS} characters`)
  const bytes = Buffer.from(text, 'base64url')
  if (!TEXT.test(text) || bytes.toString('base64url') !== text) throw new SyntaxError('not base64url')
  if (bytes[0] !== VERSION) throw new SyntaxError('not an invite, or one of a later version')
  if (bytes.length <= ADDRESSES_AT + CHECK_BYTES) throw new SyntaxError('cut off')
  const body = bytes.subarray(0, -CHECK_BYTES)
  if (!checkOf(body).equals(bytes.subarray(-CHECK_BYTES)))
    throw new SyntaxError('a character is wrong or missing: copy all of it')
  const expires = Number(body.readBigUInt64LE(EXPIRES_AT))
  checkExpires(expires)
  const addresses = addressesIn(body)
  checkAddresses(addresses)
  return {
    hub: hubOf(body.subarray(1, SECRET_AT)),
    addresses,
    secret: Uint8Array.from(body.subarray(SECRET_AT, EXPIRES_AT)),
    expires
  }
}

/** Why an invite is not to be used at a time (Unix seconds); undefined when it is. */
export function inviteProblem({ expires }: Invite, nowS: number): 'expired' | 'too_long' | undefined {
  if (nowS >= expires) return 'expired'
  return expires > nowS + MAX_INVITE_S + CLOCK_SKEW_S ? 'too_long' : undefined
}

function addressesIn(body: Buffer): string[] {
  const addresses: string[] = []
  let at = ADDRESSES_AT + 1
  for (let left = body.readUInt8(ADDRESSES_AT); left > 0; left--) {
    const length = body[at] ?? 0
    if (at + 1 + length > body.length) throw new SyntaxError('addresses: cut off')
    addresses.push(body.toString('latin1', at + 1, at + 1 + length))
    at += 1 + length
  }
  if (at !== body.length) throw new SyntaxError('addresses: something follows them')
  return addresses
}

function hubOf(key: Uint8Array): string {
  try {
    return hubId(key)
  } catch {
    throw new SyntaxError('hub: not a usable key')
  }
}

function checkExpires(expires: number): void {
  if (!Number.isSafeInteger(expires) || expires < 1 || expires > MAX_TIME_S)
    throw new SyntaxError('expires: not a time')
}

function checkAddresses(addresses: readonly string[]): void {
  if (addresses.length < 1 || addresses.length > MAX_INVITE_ADDRESSES)
    throw new SyntaxError(`addresses: expected 1 to ${MAX_INVITE_ADDRESSES}, found ${addresses.length}`)
  const wrong = addresses.findIndex(address => !ADDRESS.test(address))
  if (wrong >= 0) throw new SyntaxError(`addresses[${wrong}]: not a multiaddr`)
}

const checkOf = (body: Uint8Array): Buffer =>
  createHash('sha256').update(body).digest().subarray(0, CHECK_BYTES)
