import type { KeyObject } from 'node:crypto'
import { authorityProblem, delegate, formatDelegation, parseDelegation } from '../../federation/index.ts'
import type { Delegation, RevocationKeyStatement } from '../../federation/index.ts'

/** A hub's word that a key signs its revocations. Times are whole seconds since 1970. */
export type KeyStatement = RevocationKeyStatement
export type KeyDelegation = Delegation<'revocation'>

/** The statement signed with the hub key. */
export const delegateKey = (hubKey: KeyObject, statement: KeyStatement): KeyDelegation =>
  delegate<'revocation'>(hubKey, statement)

/** The text of `revocation-delegation.json`: canonical JSON and a line feed. */
export const formatKeyDelegation = (delegation: KeyDelegation): string => formatDelegation(delegation)

/**
 * Reads what `formatKeyDelegation` writes, and only that form.
 * @throws SyntaxError saying what is wrong. Proves nothing yet: see `keyDelegationProblem`.
 */
export const parseKeyDelegation = (text: string): KeyDelegation => parseDelegation(text, 'revocation')

/** Why a delegation is not its hub's word; undefined when it is. Its time is judged against each statement. */
export const keyDelegationProblem = (delegation: KeyDelegation): string | undefined =>
  authorityProblem(delegation)
