const DAY_S = 24 * 3600

/** Bounds of directed messages. @see specs/federation-directed.md, section 8 */
export const DIRECTED = {
  /** Of the line of a message's statement, in characters. */
  statementChars: 28_672,
  /** Of the line of a receipt, in characters. */
  receiptChars: 2048,
  /** Of a receipt with its delegation, as it is kept, in characters. */
  portableChars: 16_384,
  bodyBytes: 983_040,
  attrsBytes: 4096,
  /** How far the clocks of two hubs may differ, in seconds. */
  skewS: 60,
  /** How long at most a sender tries, in seconds. */
  lifeS: 31 * DAY_S,
  /** How long after its end a message is known to have come, in seconds. */
  rememberS: 3600,
  /** Messages and bytes that wait for one hub, of one tenant. */
  outboxMessages: 100_000,
  outboxBytes: 1024 * 1024 * 1024,
  /** Deliveries under way over one link. */
  window: 16,
  windowBytes: 4 * 1024 * 1024,
  /** Within which a delivery must be answered. */
  callMs: 30_000,
  retryMs: 1000,
  retryMsMost: 60_000
} as const
