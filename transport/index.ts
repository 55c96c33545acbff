export { createDialer, createTransport } from './transport.ts'
export type { DialerOptions, Encryption, Transport, TransportOptions } from './transport.ts'
export { DIALER_LIMITS, NODE_LIMITS, STREAM_LIMITS } from './limits.ts'
