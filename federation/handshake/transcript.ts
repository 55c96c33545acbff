import { createHash, createHmac, timingSafeEqual } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import { isSignedBy, signBytes, verifyingKey } from '../ed25519.ts'
import { peerPublicKey } from '../peer-key.ts'
import type { Side } from './messages.ts'

const TRANSCRIPT_TAG = 'omnigate/handshake-transcript/1\n'
const SIGNATURE_TAGS = {
  initiator: 'omnigate/handshake-initiator/1\n',
  responder: 'omnigate/handshake-responder/1\n'
} as const satisfies Record<Side, string>
const MAC_TAGS = {
  initiator: 'omnigate/pair-initiator/1\n',
  responder: 'omnigate/pair-responder/1\n'
} as const satisfies Record<Side, string>

/** SHA-256 over the fields of a handshake so far, each behind its length. @see specs/federation-handshake.md, section 4 */
export function transcriptDigest(fields: readonly Uint8Array[]): Uint8Array {
  const hash = createHash('sha256').update(TRANSCRIPT_TAG)
  for (const field of fields) {
    const length = Buffer.alloc(4)
    length.writeUInt32LE(field.length)
    hash.update(length).update(field)
  }
  return hash.digest()
}

/** The bytes that one side signs for a digest. */
export const toSign = (role: Side, digest: Uint8Array): Uint8Array =>
  Buffer.concat([Buffer.from(SIGNATURE_TAGS[role]), digest])

export const signTranscript = (key: KeyObject, role: Side, digest: Uint8Array): Uint8Array =>
  signBytes(key, toSign(role, digest))

/** Whether the holder of a peer id signed as `role`. */
export function isTranscriptSignedBy(
  peerId: string,
  role: Side,
  digest: Uint8Array,
  signature: Uint8Array
): boolean {
  const key = peerPublicKey(peerId)
  return key !== undefined && isSignedBy(verifyingKey(key), toSign(role, digest), signature)
}

/** What shows that a side knows an invite; `secret` is the SHA-256 of the invite's own. */
export const pairingMac = (secret: Uint8Array, role: Side, digest: Uint8Array): Uint8Array =>
  createHmac('sha256', secret).update(MAC_TAGS[role]).update(digest).digest()

export function isPairingMac(
  mac: Uint8Array | undefined,
  secret: Uint8Array,
  role: Side,
  digest: Uint8Array
): boolean {
  const right = pairingMac(secret, role, digest)
  return mac !== undefined && mac.length === right.length && timingSafeEqual(mac, right)
}
