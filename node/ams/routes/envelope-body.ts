import type { StoredEnvelope } from '../../stores/ams/index.ts'
import { recordHash } from '../status.ts'

/**
 * An envelope as it is answered: what never changes, its digest and proofs, where it stands, and the last record of its
 * chain, which it alone lets verify. @see specs/ams.md, section 10
 */
export function envelopeBody({ immutable, sha256, proofs, latest, isRedacted }: StoredEnvelope): object {
  const { status, meta, at, by, n, prev } = latest
  const record = { n, prev, at, by, hash: recordHash(latest) }
  return {
    ...immutable,
    sha256,
    status,
    meta,
    proofs,
    updated_at: at,
    record,
    ...(isRedacted && { redacted: true })
  }
}
