/** @see specs/federation-handshake.md, section 9 */
export const LINKS = {
  /** A dial with its handshake lasts no longer. */
  dialMs: 20_000,
  /** A link that is younger may have met a dial that was begun before it was there. */
  simultaneousMs: 30_000,
  /** Silence after which a link is probed. */
  probeAfterMs: 15_000,
  probeTimeoutMs: 5000,
  /** So many probes in a row without an answer end a link. */
  probesMissed: 2,
  /** The longest wait after the first failure; it doubles with each further one. */
  retryMs: 1000,
  retryMsMost: 60_000,
  /** The same where the other side refused: it takes an operator to change that. */
  refusedRetryMs: 60_000,
  refusedRetryMsMost: 600_000,
  /** A link that lasted so long is a success: the wait begins anew. */
  steadyMs: 60_000
} as const
