import { generateKeyPair } from '@libp2p/crypto/keys'
import type { Ed25519PrivateKey } from '@libp2p/interface'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { keyOfSeed, newHub } from './keys.ts'
import type { RunnerHub } from './keys.ts'
import { hex } from './talk.ts'
import type { Parties } from './talk.ts'

const SEED_BYTES = 32

/** The node of the runner's hub, for one run. */
export interface Runner {
  readonly privateKey: Ed25519PrivateKey
  /** The parties of its handshakes with the node of a peer id. */
  readonly partiesWith: (node: string) => Parties
}

/** With a node key of its own. Without a hub it is that of one that nobody allows. */
export async function runnerOf(federation: string, hub: RunnerHub = newHub()): Promise<Runner> {
  const privateKey = await generateKeyPair('Ed25519')
  const known = {
    self: peerIdFromPrivateKey(privateKey).toString(),
    key: keyOfSeed(privateKey.raw.subarray(0, SEED_BYTES)),
    federation,
    hub,
    boot: hex(16)
  }
  return {
    privateKey,
    partiesWith: node => ({ ...known, node, nowS: Math.floor(Date.now() / 1000) })
  }
}
