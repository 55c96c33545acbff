import { BlockList, Server } from 'node:net'
import type { ServerOpts } from 'node:net'
import type { ConnectionGater } from '@libp2p/interface'
import { tcp } from '@libp2p/tcp'
import type { TCPSocketOptions } from '@libp2p/tcp'
import { webSockets } from '@libp2p/websockets'

export interface Gater extends ConnectionGater {
  /**
   * Asked first of all, with the IP address that a connection comes from: one that is denied is closed before anything
   * is made of it, a WebSocket before its HTTP request is read. `denyInboundConnection` comes when the socket is wrapped.
   */
  readonly denyInboundAddress?: (ip: string) => boolean
}

/** The TCP transport; its servers, which get all of the listen options, ask `denies`. */
export function gatedTcp(denies: (ip: string) => boolean): ReturnType<typeof tcp> {
  // The transport's types name only some of what `net.createServer` takes.
  const listenOpts: TCPSocketOptions & ServerOpts = { blockList: new AddressGate(denies) }
  return tcp({ listenOpts })
}

/** The WebSocket transport; it passes no options to its servers, so that each is given the gate once it is made. */
export function gatedWebSockets(denies: (ip: string) => boolean): ReturnType<typeof webSockets> {
  const factory = webSockets()
  return components => {
    const transport = factory(components)
    const createListener = transport.createListener.bind(transport)
    transport.createListener = options => {
      const listener = createListener(options)
      const { server } = listener as { server?: unknown }
      if (!(server instanceof Server)) {
        throw new TypeError('this version of libp2p keeps the server of a listener elsewhere')
      }
      Object.assign(server, { blockList: new AddressGate(denies) })
      return listener
    }
    return transport
  }
}

/** What Node asks of each connection that a server accepts, before there is a socket. */
class AddressGate extends BlockList {
  readonly #denies: (ip: string) => boolean

  constructor(denies: (ip: string) => boolean) {
    super()
    this.#denies = denies
  }

  override check(address: unknown): boolean {
    return typeof address === 'string' && this.#denies(address)
  }
}
