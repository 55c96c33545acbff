import { publicKeyFromRaw } from '@libp2p/crypto/keys'
import type { Ed25519PublicKey } from '@libp2p/interface'
import { peerIdFromPublicKey } from '@libp2p/peer-id'
import { hubId, publicBytes, signingKey } from '../../federation/index.ts'

/** A signing key of 32 equal bytes, with the forms in which others name it. */
export function signer(byte: number) {
  const key = signingKey(new Uint8Array(32).fill(byte))
  const bytes = publicBytes(key)
  return {
    key,
    hex: Buffer.from(bytes).toString('hex'),
    hub: hubId(bytes),
    peerId: peerIdFromPublicKey(publicKeyFromRaw(bytes) as Ed25519PublicKey).toString()
  }
}
