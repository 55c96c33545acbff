import type { Libp2p } from '@libp2p/interface'
import { noise } from '@libp2p/noise'
import { webSockets } from '@libp2p/websockets'
import { yamux } from '@libp2p/yamux'
import { createLibp2p } from 'libp2p'
import type { DialerOptions } from '../transport/index.ts'

const MIB = 1_048_576
const DIAL_TIMEOUT_MS = 10_000
const MAX_STREAMS = { maxInboundStreams: 16, maxOutboundStreams: 512 }
const STREAM_OPTIONS = {
  maxStreamWindowSize: MIB,
  maxReadBufferLength: 4 * MIB,
  maxWriteBufferLength: 8 * MIB
}

/** A libp2p node that only dials, by what a browser has: WebSockets and noise. */
export function createWebDialer({ privateKey, liveness, dialTimeoutMs }: DialerOptions): Promise<Libp2p> {
  return createLibp2p({
    addresses: { listen: [] },
    transports: [webSockets()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux({ ...MAX_STREAMS, streamOptions: STREAM_OPTIONS })],
    // In browsers libp2p refuses loopback and private addresses; this one dials only what its owner wrote.
    connectionGater: { denyDialMultiaddr: () => false },
    connectionManager: { reconnectRetries: 0, dialTimeout: dialTimeoutMs ?? DIAL_TIMEOUT_MS },
    connectionMonitor:
      liveness === undefined
        ? { enabled: false }
        : { pingInterval: liveness.intervalMs, pingTimeout: { maxTimeout: liveness.timeoutMs } },
    ...(privateKey && { privateKey })
  })
}
