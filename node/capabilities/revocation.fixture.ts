import { hubId, publicBytes, signingKey } from '../../federation/index.ts'
import { delegateKey } from './key-delegation.ts'
import type { KeyDelegation } from './key-delegation.ts'
import type { RevocationSigner } from './revocation-list.ts'

/** A hub whose keys everybody knows, for tests. */
export const HUB_KEY = signingKey(Uint8Array.from({ length: 32 }, (_, i) => i))
export const HUB = hubId(publicBytes(HUB_KEY))

const key = signingKey(new Uint8Array(32).fill(7))

export const SIGNER: RevocationSigner = {
  hub: HUB,
  key,
  publicKey: Buffer.from(publicBytes(key)).toString('hex'),
  epoch: 1
}

export const HUB_DELEGATION: KeyDelegation = delegateKey(HUB_KEY, {
  epoch: 1,
  hub: HUB,
  key: SIGNER.publicKey,
  node: 'node1',
  not_after: 3000,
  not_before: 1000,
  role: 'revocation'
})
