import { peerIdFromPublicKey } from '@libp2p/peer-id'
import { publicKeyFromRaw } from '@libp2p/crypto/keys'
import type { Ed25519PublicKey } from '@libp2p/interface'
import { publicBytes, signingKey } from './ed25519.ts'
import { hubId } from './hub-id.ts'

/** A signing key of 32 equal bytes, with the forms in which others name it. */
export function keyOf(byte: number) {
  const key = signingKey(new Uint8Array(32).fill(byte))
  const bytes = publicBytes(key)
  return {
    key,
    bytes,
    hex: Buffer.from(bytes).toString('hex'),
    hub: hubId(bytes),
    peerId: peerIdFromPublicKey(publicKeyFromRaw(bytes) as Ed25519PublicKey).toString()
  }
}

/** The hub that most tests are about, and another. */
export const HUB = keyOf(1)
export const OTHER_HUB = keyOf(2)
