const KIB = 1024
const MIB = 1024 * KIB

/**
 * Per-stream bounds. The window may not outgrow the read buffer, or a paused stream would be aborted for overflow;
 * its initial size is not ours to choose: two ends that disagree about it lose the whole connection.
 */
export const STREAM_LIMITS = {
  maxStreamWindowSize: MIB,
  maxReadBufferLength: 4 * MIB,
  maxWriteBufferLength: 8 * MIB
} as const

/** Bounds of a node that listens. */
export const NODE_LIMITS = {
  maxConnections: 1000,
  maxPendingConnections: 64,
  maxInboundStreams: 256,
  maxOutboundStreams: 512
} as const

/** Bounds of a client that only dials: few connections, and peers have no reason to open streams towards it. */
export const DIALER_LIMITS = {
  maxConnections: 64,
  maxPendingConnections: 1,
  maxInboundStreams: 16,
  maxOutboundStreams: 512
} as const

/** How many addresses of one peer are tried, and for how long a dial may last. */
export const DIAL_LIMITS = {
  maxParallelDials: 32,
  maxDialQueueLength: 500,
  maxPeerAddrsToDial: 16,
  dialTimeoutMs: 10_000,
  inboundUpgradeTimeoutMs: 10_000
} as const

/** A dead peer is noticed within both times together. */
export const LIVENESS = { intervalMs: 30_000, timeoutMs: 10_000 } as const
