import type { AccessRates } from '../access/access-rates.ts'
import type { WriteMode } from '../access/identify.ts'
import { sandboxNotice } from '../access/sandbox.ts'
import type { Validation } from '../envelope.ts'
import type { PolicyText } from '../routes/parts.ts'
import type { Answering } from './answering.ts'

/** What a hub publishes of itself, as its configuration is at this moment. Nothing of it is secret. */
export interface HubFacts {
  readonly service: string
  /** Its hub id. */
  readonly hub: string
  /** Where it is reached, without a slash at the end. */
  readonly url: string
  readonly writeMode: WriteMode
  /** Whether reading needs a token, too. */
  readonly isPrivate: boolean
  /** `public`, or empty. */
  readonly sandbox: string
  readonly validation: Validation
  /** Whether an envelope without a proof is refused. */
  readonly isProofDemanded: boolean
  /** None where nothing is limited. */
  readonly rates: AccessRates | undefined
  readonly policy: PolicyText
  /** The hub key's words for the keys that prove envelopes, as lines. */
  readonly proofKeys: readonly string[]
  readonly features: Readonly<Record<string, boolean>>
}

/** By whom manifests are signed. */
export interface SignedBy {
  readonly hub: string
  readonly node: string
  /** The Ed25519 public key, in hex. */
  readonly key: string
  readonly epoch: number
  /** The hub key's word for it, as a line. @see specs/federation-links.md, section 4 */
  readonly delegation: string
}

/** What manifests are made of. */
export interface Made {
  readonly facts: HubFacts
  readonly routes: readonly Answering[]
  /** As `YYYY-MM-DDThh:mm:ss.mmmZ`. */
  readonly updated: string
  /** Undefined where nobody can sign. */
  readonly signedBy: SignedBy | undefined
}

/** What the operator can do where manifests are not signed. */
export const NEEDS_RESIGN = 'needs-resign'

/** What stands at the top of every manifest. */
export function headOf(name: string, { facts, updated, signedBy }: Made): object {
  const { service, hub, url, writeMode, isPrivate, sandbox } = facts
  return {
    meta: {
      name,
      updated,
      signature_status: signedBy === undefined ? NEEDS_RESIGN : 'signed',
      ...(signedBy && { signed_by: signedBy })
    },
    service,
    hub,
    url,
    write_mode: writeMode,
    write_requires_auth: writeMode === 'token',
    ...(writeMode === 'open' && { write_requires_auth_planned: true }),
    read_requires_auth: isPrivate,
    ...sandboxNotice(sandbox)
  }
}
