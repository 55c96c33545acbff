/** @see specs/federation-shares.md, section 2 */
export const SHARES = {
  /** Of the longest line of a statement. */
  lineChars: 32_768,
  bodyBytes: 983_040,
  attrsBytes: 4096,
  /** Stretches of missing numbers that are kept of one series. */
  stretches: 256,
  /** How far beyond the highest number that is known another may claim one. */
  ahead: 1_000_000,
  /** Series of one origin and share that are kept. */
  series: 8,
  /** How far ahead of this hub's clock a statement may lie, in seconds. */
  skewS: 60,
  /** Rows of one answer that says what there is, and stretches in all of them. */
  rows: 64,
  rowStretches: 1024,
  /** What one call may ask for. */
  askedStretches: 64,
  askedNumbers: 256,
  /** Bytes of statements and bodies of one answer, unless one alone has more. */
  answerBytes: 917_504,
  /** How often a hub asks, in milliseconds. */
  everyMs: 60_000,
  /** How much longer than bodies the numbers are known, in seconds. */
  knownS: 3600
} as const
