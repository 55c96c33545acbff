/** Bounds of witnessing and of proofs. @see specs/federation-witness.md, section 2 */
export const WITNESS = {
  /** Of a note in a request or a proof, its signatures included. */
  noteBytes: 4096,
  /** Of the body of a request. */
  requestBytes: 16_384,
  /** Of a consistency proof: no tree of fewer than 2^53 entries needs more. */
  hashes: 64,
  /** Of the text of a log's delegation. */
  delegationBytes: 4096,
  /** Heads of one log that a witness remembers, the newest. */
  heads: 8,
  /** Of a head that is remembered, as a note with the log's own signature. */
  headBytes: 1024,
  /** Logs of one hub that a witness remembers. Another is refused: what was seen is not forgotten to make room. */
  logsOfHub: 64,
  logs: 4096,
  /** Of each hub, also where there are as many as that. */
  logsReserved: 4,
  /** Of a proof as a line, without its line feed: room for two of the longest statements, so that length hides no lie. */
  proofBytes: 524_288,
  /** Of a signed statement in a proof: longer than any message of a share, or snapshot that fills its lists. */
  statementChars: 262_144,
  /** By which the clocks of both sides may differ, as the handshake found. */
  skewS: 60
} as const
