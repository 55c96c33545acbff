/** Why what came in a share was not taken. @see specs/federation-shares.md, section 6 */
export const SHARE_REFUSALS = [
  'malformed',
  'oversized',
  'misnumbered',
  'replayed',
  'body',
  'hub',
  'key',
  'time',
  'revoked',
  'signature',
  'clock',
  'stale',
  'share',
  'topic',
  'relay',
  'series',
  'scattered',
  'full',
  'equivocation',
  'announcement',
  'envelope',
  'envelope_conflict'
] as const
export type ShareRefusal = (typeof SHARE_REFUSALS)[number]
