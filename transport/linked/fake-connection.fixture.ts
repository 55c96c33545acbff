import { UnsupportedProtocolError } from '@libp2p/interface'
import type { Connection, PeerId, Stream, StreamHandlerRecord } from '@libp2p/interface'
import type { Protocols } from './connection-protocols.ts'

/** What libp2p's own registrar would offer to everybody. */
const OF_ALL: Protocols = {
  getProtocols: () => ['/all/1'],
  getHandler(protocol): StreamHandlerRecord {
    if (protocol === '/all/1') return { handler: () => {}, options: {} }
    throw new UnsupportedProtocolError(protocol)
  },
  getMiddleware: () => []
}

class FakeStream {
  readonly protocol: string
  status = 'open'

  constructor(protocol: string) {
    this.protocol = protocol
  }

  abort(): void {
    this.status = 'reset'
  }
}

/** A connection as libp2p keeps it, without a network: it negotiates streams the way libp2p's does. */
export class FakeConnection extends EventTarget {
  readonly remotePeer: PeerId
  readonly streams: FakeStream[] = []
  readonly components: { readonly registrar: Protocols } = { registrar: OF_ALL }
  status = 'open'

  constructor(peer: string) {
    super()
    this.remotePeer = {
      toString: () => peer,
      equals: (other: unknown) => String(other) === peer
    } as unknown as PeerId
  }

  /** As the code under test takes it. */
  get real(): Connection {
    return this as unknown as Connection
  }

  get protocols(): string[] {
    return this.components.registrar.getProtocols()
  }

  /** What becomes of a stream that the peer opens; `meanwhile` happens while it is negotiated. */
  async open(protocol: string, meanwhile?: () => void): Promise<'unsupported' | 'reset' | 'served'> {
    if (!this.protocols.includes(protocol)) return 'unsupported'
    const stream = new FakeStream(protocol)
    this.streams.push(stream)
    meanwhile?.()
    const { registrar } = this.components
    try {
      const { handler } = registrar.getHandler(protocol)
      for (const middleware of registrar.getMiddleware(protocol)) {
        await middleware(stream as unknown as Stream, this.real, () => {})
      }
      await handler(stream as unknown as Stream, this.real)
      return 'served'
    } catch {
      return 'reset'
    }
  }

  close(): void {
    this.status = 'closed'
    this.dispatchEvent(new Event('close'))
  }
}
