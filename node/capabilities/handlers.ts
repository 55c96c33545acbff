import { OapError, capabilitiesService } from '../../protocols/index.ts'
import type { Handlers, JsonObject, Service } from '../../protocols/index.ts'
import type { Capabilities } from './capabilities.ts'
import type { KeyDelegation } from './key-delegation.ts'
import type { SignedRevocation } from './revocation-statement.ts'

/** What goes on between the holders of capabilities and linked hubs. */
export type ExchangeHandlers = Pick<Handlers<CapabilityOperations>, 'obtain' | 'exchange' | 'revoked'>

type CapabilityOperations = (typeof capabilitiesService)['operations']

/** Renewal for holders, what was revoked for linked hubs, and the exchange between both. @see specs/revocation.md */
export function capabilitiesOf(
  capabilities: Capabilities,
  exchange: ExchangeHandlers = WITHOUT_LINKS
): Service<CapabilityOperations> {
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
    },

    ...exchange
  }
  return { table: capabilitiesService, handlers }
}

const noLinks = (): never => {
  throw new OapError('unknown_operation', 'this node has no links')
}
const WITHOUT_LINKS: ExchangeHandlers = { obtain: noLinks, exchange: noLinks, revoked: noLinks }

const hex = (corrId: bigint): string => corrId.toString(16).padStart(16, '0')

const signed = ({ statement, signature }: SignedRevocation | KeyDelegation): JsonObject => ({
  signature: Buffer.from(signature).toString('base64'),
  statement: { ...statement }
})
