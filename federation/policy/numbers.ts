/** Bounds of policies and of what they judge. @see specs/federation-policy.md, section 2 */
export const POLICY = {
  /** The form of a policy file that this program reads. */
  form: 1,
  maxFileBytes: 65_536,
  /** Texts in one list. */
  maxListed: 256,
  /** Of a weight, either way. */
  maxWeight: 1000,
  /** Of a score and a threshold, either way: more than all rules at their most. */
  maxScore: 16_000,
  maxVersion: 2 ** 31 - 1,
  /** Of an item, and of what a policy may speak of. */
  maxItemBytes: 2 ** 30
} as const
