import { Server } from 'node:net'
import type { AddressInfo } from 'node:net'
import type { Listener } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import type { Multiaddr } from '@multiformats/multiaddr'
import type { Transport } from './transport.ts'

/** The part of libp2p that opens listeners; its public interface does not show it. */
interface TransportManager {
  getListeners(): Listener[]
  listen(addresses: Multiaddr[]): Promise<void>
}

/**
 * The addresses where a libp2p node waits for peers. One that fails is closed, with the connections that came in by it;
 * the others stay. It can be opened again on the port that it had.
 */
export class PeerListeners {
  readonly #transport: Transport
  readonly #lost: Multiaddr[] = []
  #failed = pending()

  /** Watches every listener that `transport` opens from now on. */
  constructor(transport: Transport) {
    this.#transport = transport
    transport.addEventListener('transport:listening', ({ detail }) => this.#watch(detail))
  }

  /** Starts the node with all its listeners, or opens those again that have failed since. */
  async open(): Promise<void> {
    this.#failed = pending()
    if (this.#transport.status !== 'started') return this.#transport.start()
    const manager = managerOf(this.#transport)
    for (let address = this.#lost[0]; address !== undefined; address = this.#lost[0]) {
      await reopen(manager, address)
      this.#lost.shift()
    }
  }

  /**
   * Waits until `signal` aborts.
   * @throws the error of the first listener that failed since `open`.
   */
  async serve(signal: AbortSignal): Promise<void> {
    const aborted = Promise.withResolvers<void>()
    if (signal.aborted) return
    signal.addEventListener('abort', () => aborted.resolve(), { once: true })
    await Promise.race([aborted.promise, this.#failed.promise])
  }

  #watch(listener: Listener): void {
    const server = serverOf(listener)
    const address = addressOf(server, listener)
    let isOver = false
    const fail = (error: Error): void => {
      if (isOver || this.#transport.status !== 'started') return
      isOver = true
      this.#lost.push(address)
      void listener.close().then(
        () => this.#failed.reject(error),
        () => this.#failed.reject(error)
      )
    }
    server.on('error', fail)
    server.once('close', () => fail(new Error(`the listener on ${String(address)} was closed`)))
  }
}

function pending(): PromiseWithResolvers<never> {
  const deferred = Promise.withResolvers<never>()
  // A failure may come before anybody waits for it.
  deferred.promise.catch(() => undefined)
  return deferred
}

function managerOf(transport: Transport): TransportManager {
  return (transport as unknown as { components: { transportManager: TransportManager } }).components
    .transportManager
}

async function reopen(manager: TransportManager, address: Multiaddr): Promise<void> {
  const known = new Set(manager.getListeners())
  try {
    await manager.listen([address])
  } catch (error) {
    // libp2p keeps a listener that did not open until it hears that it closed.
    const unopened = manager.getListeners().filter(listener => !known.has(listener))
    for (const listener of unopened) listener.dispatchEvent(new CustomEvent('close'))
    throw error
  }
}

// libp2p's WebSocket listener leaves its server without a listener for errors, so that one would end the process.
function serverOf(listener: Listener): Server {
  const { server } = listener as { server?: unknown }
  if (server instanceof Server) return server
  throw new TypeError('this version of libp2p keeps the server of a listener elsewhere')
}

function addressOf(server: Server, listener: Listener): Multiaddr {
  const { address, port, family } = server.address() as AddressInfo
  const isWebSocket = listener.getAddrs().some(of => of.getComponents().some(({ name }) => name === 'ws'))
  return multiaddr(`/${family === 'IPv6' ? 'ip6' : 'ip4'}/${address}/tcp/${port}${isWebSocket ? '/ws' : ''}`)
}
