/** What rejects an item whatever its score, in the order in which it is told. */
export const HARD_FAILURES = [
  'bad_signature',
  'revoked_key',
  'not_allowlisted',
  'treaty_expired',
  'origin_quarantined',
  'too_large'
] as const

/** Hard failures of how an origin stands here, which may be over tomorrow: nothing is decided for good while one holds. */
export const PASSING_FAILURES = ['not_allowlisted', 'treaty_expired', 'origin_quarantined'] as const

/** Why an item is turned away for now, although nothing is wrong with it; it may come again. */
export const REFUSALS_OF_ROOM = ['quarantine_full', 'too_many_rejections'] as const

export type HardFailure = (typeof HARD_FAILURES)[number]
export type PassingFailure = (typeof PASSING_FAILURES)[number]
