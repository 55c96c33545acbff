import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import { isSignedBy, signBytes, verifyingKey } from '../../federation/index.ts'
import { provenBytes } from './envelope.ts'
import type { EnvelopeProof, Immutable } from './envelope.ts'
import { EnvelopeRefusal } from './refusal.ts'

/** What proofs by shared secrets are verified with, by name. */
export type Secrets = Pick<ReadonlyMap<string, Uint8Array>, 'get'>

const NO_SECRET = randomBytes(32)

/**
 * Verifies each proof of an envelope over what is to be stored.
 * @throws EnvelopeRefusal `bad_proof` naming the first that does not verify.
 */
export function verifyProofs(envelope: Immutable, proofs: readonly EnvelopeProof[], secrets: Secrets): void {
  if (proofs.length === 0) return
  const bytes = provenBytes(envelope)
  for (const [n, proof] of proofs.entries()) {
    const problem = problemOf(proof, bytes, secrets)
    if (problem !== undefined) throw new EnvelopeRefusal('bad_proof', `proofs[${n}]: ${problem}`)
  }
}

/** The proof of a key over an envelope. */
export const proofBy = (
  { secretKey, publicKey }: { readonly secretKey: KeyObject; readonly publicKey: string },
  envelope: Immutable
): EnvelopeProof => ({
  alg: 'Ed25519',
  key: publicKey,
  sig: Buffer.from(signBytes(secretKey, provenBytes(envelope))).toString('base64')
})

function problemOf({ alg, key, sig }: EnvelopeProof, bytes: Buffer, secrets: Secrets): string | undefined {
  const given = Buffer.from(sig, 'base64')
  if (alg === 'Ed25519') return isProvenBy(key, bytes, given) ? undefined : 'the signature does not verify'
  const secret = secrets.get(key)
  // Nobody learns here which secrets there are.
  const expected = createHmac('sha256', secret ?? NO_SECRET)
    .update(bytes)
    .digest()
  const isEqual = given.length === expected.length && timingSafeEqual(given, expected)
  return isEqual && secret !== undefined ? undefined : 'it does not verify with a secret of that name'
}

function isProvenBy(key: string, bytes: Buffer, signature: Buffer): boolean {
  try {
    return isSignedBy(verifyingKey(Buffer.from(key, 'hex')), bytes, signature)
  } catch (error) {
    if (error instanceof RangeError) return false
    throw error
  }
}
