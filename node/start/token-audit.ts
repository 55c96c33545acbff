import type { KnownToken } from '../ams/access/index.ts'
import { auditEvent, commitment } from '../audit/index.ts'
import { ChangeAudit } from './change-audit.ts'
import type { ChangeAuditOptions, Named } from './change-audit.ts'

type Told<N extends Named> = Pick<ChangeAuditOptions<N>, 'store' | 'secret' | 'append'>

/** Tells the audit log of static tokens. */
export class TokenAudit extends ChangeAudit<KnownToken> {
  /** @param secret of the node, which is not in the store */
  constructor(store: Told<KnownToken>['store'], secret: Uint8Array, append: Told<KnownToken>['append']) {
    super({
      store,
      secret,
      append,
      key: 'tokens',
      purpose: 'omnigate tokens of the audit log',
      kept: ({ name, role }) => ({ name, role }),
      event: ({ change, one: { name, role } }, actor) =>
        auditEvent('token', actor, { change, name_sha256: commitment(name), role })
    })
  }
}

/** Tells it of secrets of proofs. */
export const proofSecretAudit = (told: Told<Named>): ChangeAudit<Named> =>
  new ChangeAudit({
    ...told,
    key: 'proof-secrets',
    purpose: 'omnigate proof secrets of the audit log',
    kept: ({ name }) => ({ name }),
    event: ({ change, one: { name } }, actor) =>
      auditEvent('proof_secret', actor, { change, name_sha256: commitment(name) })
  })
