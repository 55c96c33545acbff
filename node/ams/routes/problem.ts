import { Problem, problemOf as httpProblemOf } from '../../http/index.ts'
import { ANONYMOUS } from '../access/caller.ts'
import type { Caller } from '../access/caller.ts'
import { roleRefusal } from '../access/identify.ts'
import type { Role } from '../access/roles.ts'
import { EnvelopeRefusal } from '../refusal.ts'

export { Problem }

/** What the caller is told of an error; undefined for one that is none of its business. */
export const problemOf = (error: unknown): Problem | undefined =>
  error instanceof EnvelopeRefusal ? new Problem(error.code, error.message) : httpProblemOf(error)

/** @throws Problem `unauthorized` for who has shown nothing, `forbidden` for who may do less */
export function demandRole(caller: Caller, needed: Role): void {
  const refusal = roleRefusal({ caller, isKnown: caller.name !== ANONYMOUS }, needed)
  if (refusal !== undefined) throw new Problem(refusal.code, refusal.message, refusal)
}
