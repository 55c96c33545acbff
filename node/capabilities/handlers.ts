import { OapError, capabilitiesService } from '../../protocols/index.ts'
import type { Handlers, JsonObject, Service } from '../../protocols/index.ts'
import type { Capabilities } from './capabilities.ts'
import type { KeyDelegation } from './key-delegation.ts'
import type { SignedRevocation } from './revocation-statement.ts'

type CapabilityOperations = (typeof capabilitiesService)['operations']

/** Renewal for holders, and what was revoked for linked hubs. @see specs/revocation.md */
export function capabilitiesOf(capabilities: Capabilities): Service<CapabilityOperations> {
  const handlers: Handlers<CapabilityOperations> = {
    renew: async (_request, { capability, peer, corrId }) => {
      if (capability === undefined)
        throw new OapError('cap_missing', 'the call must show the capability to renew')
      const { capId, kid, expires, token, now } = await capabilities.renew(capability, peer, hex(corrId))
      return { cap_id: capId, kid, expires, now, body: token }
    },

    revocations: ({ from }) => {
      const { seq, statements, delegations } = capabilities.revocationsFrom(from)
      return { seq, statements: statements.map(signed), delegations: delegations.map(signed) }
    }
  }
  return { table: capabilitiesService, handlers }
}

const hex = (corrId: bigint): string => corrId.toString(16).padStart(16, '0')

const signed = ({ statement, signature }: SignedRevocation | KeyDelegation): JsonObject => ({
  signature: Buffer.from(signature).toString('base64'),
  statement: { ...statement }
})
