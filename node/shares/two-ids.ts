import { SHARED_MESSAGE, formatSigned, parseSigned, statementsProof } from '../../federation/index.ts'
import type { DelegationBook, Equivocation } from '../../federation/index.ts'

/** Proof for everybody that a hub has signed two messages of one number, from both lines. */
export function twoIds(first: string, second: string, keysOf: (hub: string) => DelegationBook): Equivocation {
  const claims = [first, second].map(line =>
    SHARED_MESSAGE.claim(parseSigned(SHARED_MESSAGE, line).statement)
  )
  const { hub } = claims[0]!
  const { delegations } = keysOf(hub)
  const delegated = claims.flatMap(({ key, epoch }) =>
    delegations
      .filter(({ statement }) => statement.role === 'message')
      .filter(({ statement }) => 'key' in statement && statement.key === key && statement.epoch === epoch)
      .map(formatSigned)
  )
  return statementsProof('numbers', hub, [first, second], delegated)
}
