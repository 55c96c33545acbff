import { BlockList } from 'node:net'
import type { ServerOpts } from 'node:net'
import type { ConnectionGater } from '@libp2p/interface'
import type { TCPSocketOptions } from '@libp2p/tcp'

export interface Gater extends ConnectionGater {
  /**
   * Asked first of all, of TCP connections, with the IP address they come from: one that is denied is closed before
   * anything is made of it. `denyInboundConnection` comes when the socket is wrapped already.
   */
  readonly denyInboundAddress?: (ip: string) => boolean
}

/** For @libp2p/tcp, which hands all of its listen options to `net.createServer`; its types name only some. */
export function gatedBy(denies: (ip: string) => boolean): TCPSocketOptions {
  const options: TCPSocketOptions & ServerOpts = { blockList: new AddressGate(denies) }
  return options
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
