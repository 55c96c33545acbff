import type { Libp2p } from '@libp2p/interface'
import type { DialerOptions, Transport, TransportOptions } from './transport.ts'

// libp2p is a thousand modules. A program that imports this one waits for them once it wants a transport, not before.

/**
 * Yields a libp2p node over tcp and WebSockets with noise, tls and yamux. It dials only what it is told to, discovers
 * nobody and never throttles dials per address: admission is the gater's task.
 * Connections above `maxConnections` are reset before any cryptography. Rejects, with nothing left running, when one of
 * the addresses cannot be listened on.
 */
export async function createTransport(options: TransportOptions): Promise<Transport> {
  const { createTransport: create } = await import('./transport.ts')
  return await create(options)
}

/**
 * Yields a libp2p node that only dials: no listener, no identify; for clients.
 * It answers no protocol but those that its owner handles.
 */
export async function createDialer(options: DialerOptions = {}): Promise<Libp2p> {
  const { createDialer: create } = await import('./transport.ts')
  return await create(options)
}
