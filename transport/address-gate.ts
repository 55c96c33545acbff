import { BlockList, Server } from 'node:net'
import type { ServerOpts, Socket } from 'node:net'
import type { ConnectionGater, Listener, Transport } from '@libp2p/interface'
import { tcp } from '@libp2p/tcp'
import type { TCPSocketOptions } from '@libp2p/tcp'
import { webSockets } from '@libp2p/websockets'

export interface Gater extends ConnectionGater {
  /**
   * Asked first of all, with the IP address that a connection comes from: one that is denied is closed before anything
   * is made of it, a WebSocket before its HTTP request is read. `denyInboundConnection` comes when the socket is wrapped.
   */
  readonly denyInboundAddress?: (ip: string) => boolean
  /**
   * Asked next, with a socket of which nothing has been read and that nobody else has heard of: it is to be let in, now
   * or later, or destroyed. Every time-out of a connection begins when it is let in. Sockets that still wait when their
   * listener closes are destroyed.
   */
  readonly holdInbound?: (socket: Socket, letIn: () => void) => void
}

/** The TCP transport; its servers, which get all of the listen options, ask the gater. */
export function gatedTcp(gater: Gater): ReturnType<typeof tcp> {
  // The transport's types name only some of what `net.createServer` takes.
  const listenOpts: TCPSocketOptions & ServerOpts = { ...gateOf(gater), pauseOnConnect: true }
  return gated(tcp({ listenOpts }), server => holding(server, gater, true))
}

/** The WebSocket transport; it passes no options to its servers, so that each is given the gate once it is made. */
export function gatedWebSockets(gater: Gater): ReturnType<typeof webSockets> {
  return gated(webSockets(), server => {
    Object.assign(server, gateOf(gater))
    return holding(server, gater, false)
  })
}

const gateOf = ({ denyInboundAddress }: Gater): { blockList?: BlockList } =>
  denyInboundAddress === undefined ? {} : { blockList: new AddressGate(denyInboundAddress) }

/** `gate` yields what has to be done before a listener closes. */
function gated<C>(factory: (components: C) => Transport, gate: (server: Server) => () => void) {
  return (components: C): Transport => {
    const transport = factory(components)
    const createListener = transport.createListener.bind(transport)
    transport.createListener = options => {
      const listener = createListener(options)
      const beforeClose = gate(serverOf(listener))
      const close = listener.close.bind(listener)
      listener.close = async (...options) => {
        beforeClose()
        await close(...options)
      }
      return listener
    }
    return transport
  }
}

function serverOf(listener: Listener): Server {
  const { server } = listener as { server?: unknown }
  if (server instanceof Server) return server
  throw new TypeError('this version of libp2p keeps the server of a listener elsewhere')
}

/**
 * Has the gater hold each socket before the listener hears of it, which then finds it as it expects it: reading, or
 * paused still.
 */
function holding(server: Server, { holdInbound }: Gater, reads: boolean): () => void {
  const accept = server.listeners('connection') as ((socket: Socket) => void)[]
  const held = new Set<Socket>()
  server.removeAllListeners('connection').on('connection', socket => {
    const letIn = (): void => {
      held.delete(socket)
      for (const one of accept) one.call(server, socket)
      if (reads) socket.resume()
    }
    if (holdInbound === undefined) return letIn()
    held.add(socket)
    socket.once('close', () => held.delete(socket))
    holdInbound(socket, letIn)
  })
  return () => {
    for (const socket of held) socket.destroy()
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
