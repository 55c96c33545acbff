import { peerIdFromPublicKey, peerIdFromString } from '@libp2p/peer-id'
import { isUsablePublicKey } from './ed25519.ts'
import { remembered } from './remembered.ts'

/** A node or two of each hub that an allowlist has. */
const MOST_KNOWN = 2048

/** The Ed25519 public key in a libp2p peer id; undefined for any other text, also for another spelling of the same id. */
export function peerPublicKey(peerId: string): Uint8Array | undefined {
  const key = known(peerId)
  return key && Uint8Array.from(key)
}

const known = remembered(MOST_KNOWN, readPeerKey)

function readPeerKey(peerId: string): Uint8Array | undefined {
  try {
    const { publicKey } = peerIdFromString(peerId)
    if (publicKey?.type !== 'Ed25519' || peerIdFromPublicKey(publicKey).toString() !== peerId)
      return undefined
    return isUsablePublicKey(publicKey.raw) ? Uint8Array.from(publicKey.raw) : undefined
  } catch {
    return undefined
  }
}
