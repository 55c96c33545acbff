import { CLOCK_SKEW_S } from '../../protocols/index.ts'

/** @see specs/federation-handshake.md, section 5 */
export const HANDSHAKE = {
  version: 1,
  alg: 'ed25519-sha256',
  /** From what one side sent to what it waits for. */
  stepMs: 5000,
  /** From the hello to the end. */
  lifetimeMs: 10_000,
  /** An answer that may not show what was found leaves no sooner than this after its message came. */
  refusalHoldMs: 100,
  noncesRemembered: 4096,
  nonceMemoryMs: 600_000,
  /** As responder, for each node. */
  open: 256,
  skewS: CLOCK_SKEW_S,
  helloBytes: 4096,
  challengeBytes: 4096,
  proofBytes: 65_536,
  /** Of what one hub grants another, as canonical JSON: so much of a proof it may be. */
  grantBytes: 49_152,
  checkpointBytes: 4096,
  /** Members and items of a message in all: what it costs to read grows with them. */
  values: 4096,
  nonceBytes: 32,
  macBytes: 32
} as const
