import { isOver } from '../agreement.ts'
import { authorityProblem } from '../delegation.ts'
import type { Delegation } from '../delegation.ts'
import type { Facts } from './messages.ts'
import { HANDSHAKE } from './numbers.ts'
import type { Moment, Party } from './party.ts'
import type { RefusalCode } from './refusals.ts'

/** Why a message is not taken: the code, and for the operator what it was. */
export interface Problem {
  readonly code: RefusalCode
  readonly detail: string
}

export const problem = (code: RefusalCode, detail: string): Problem => ({ code, detail })

/** The first problem of a list, each looked for only when there was none before it. */
export function firstOf(...checks: readonly (() => Problem | undefined)[]): Problem | undefined {
  for (const check of checks) {
    const found = check()
    if (found !== undefined) return found
  }
  return undefined
}

interface Ends {
  readonly from: string
  readonly to: string
}

export const isReflected = ({ from }: Ends, self: string): Problem | undefined =>
  from === self ? problem('reflected', 'its sender is this node') : undefined

export function isRelayed({ from, to }: Ends, self: string, peer: string): Problem | undefined {
  if (from !== peer) return problem('relayed', `it is from ${from}, the connection from ${peer}`)
  return to === self ? undefined : problem('relayed', `it is to ${to}`)
}

export const extensionProblem = (must: readonly string[] = []): Problem | undefined =>
  must.length === 0 ? undefined : problem('unknown_extension', must.join(', '))

export const federationProblem = (theirs: string, ours: string): Problem | undefined =>
  theirs === ours ? undefined : problem('other_federation', `federation ${theirs}, ours is ${ours}`)

/** Costs a signature: only for a hub that is known. */
export function delegationKeyProblem(delegation: Delegation, peer: string): Problem | undefined {
  const { peer_id } = delegation.statement
  if (peer_id !== peer) return problem('wrong_key', `the delegation is for ${peer_id}`)
  const why = authorityProblem(delegation)
  return why === undefined ? undefined : problem('wrong_key', `the delegation is ${why}`)
}

export const revocationProblem = ({ statement }: Delegation, party: Party): Problem | undefined =>
  party.isRevoked(statement)
    ? problem('revoked', `epoch ${statement.epoch} of node ${statement.node}`)
    : undefined

export function delegationTimeProblem({ statement }: Delegation, { s }: Moment): Problem | undefined {
  const { not_before, not_after } = statement
  const holds = s >= not_before - HANDSHAKE.skewS && s <= not_after + HANDSHAKE.skewS
  return holds ? undefined : problem('expired_delegation', `it holds from ${not_before} to ${not_after}`)
}

export const treatyProblem = (
  { treaty }: Facts,
  whose: 'theirs' | 'ours',
  { s }: Moment
): Problem | undefined =>
  isOver(treaty, s) ? problem('expired_treaty', `${whose} ended at ${treaty.expires}`) : undefined
