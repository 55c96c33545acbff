import { DEFAULT_POLICY, policyHash } from '../../federation/index.ts'
import type { Policy } from '../../federation/index.ts'

/** A policy by which items are judged. */
export interface PolicyInForce {
  readonly policy: Policy
  /** SHA-256 of its canonical text, in hex. */
  readonly hash: string
}

export const inForce = (policy: Policy): PolicyInForce => ({ policy, hash: policyHash(policy) })

/** Where the configuration names no file. */
export const BUILT_IN: PolicyInForce = inForce(DEFAULT_POLICY)
