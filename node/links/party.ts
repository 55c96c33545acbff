import { randomBytes } from 'node:crypto'
import { NonceMemory, signingKey } from '../../federation/index.ts'
import type { Facts, LinkStatement, Moment, Party } from '../../federation/index.ts'
import type { NodeKeys } from '../keys.ts'

const SEED_BYTES = 32
const BOOT_BYTES = 16
const NONCE_BYTES = 32

export interface PartySources {
  readonly keys: NodeKeys
  /** Its name, `federation.name`. */
  readonly federation: string
  /** What a hub on the allowlist is told; undefined for every other. */
  readonly factsFor: (hub: string) => Facts | undefined
  readonly isRevoked: (statement: LinkStatement) => boolean
  readonly openInvite: () => Uint8Array | undefined
}

/** This node in handshakes, for as long as it runs. */
export function partyOf({ keys, ...known }: PartySources): Party {
  return {
    ...known,
    peerId: keys.peerId,
    key: signingKey(keys.nodeKey.raw.subarray(0, SEED_BYTES)),
    delegation: keys.delegation,
    boot: randomBytes(BOOT_BYTES).toString('hex'),
    nonces: new NonceMemory(),
    factsFor: hub => (hub === keys.hubId ? undefined : known.factsFor(hub))
  }
}

/** For one handshake on one connection. */
export const newNonce = (): string => randomBytes(NONCE_BYTES).toString('hex')

export const thisMoment = (): Moment => ({ ms: performance.now(), s: Math.floor(Date.now() / 1000) })
