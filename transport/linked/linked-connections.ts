import { TypedEventEmitter } from '@libp2p/interface'
import type { Connection, PeerId } from '@libp2p/interface'

export interface LinkEvents {
  /** Dispatched once `isLinked` says so. */
  linked: CustomEvent<Connection>
  /** Dispatched once `isLinked` no longer does; the connection may live on, or be closed already. */
  unlinked: CustomEvent<Connection>
}

/** Which connections have a link, as whoever shakes hands says; a connection that closes has none. */
export class LinkedConnections extends TypedEventEmitter<LinkEvents> implements Iterable<Connection> {
  readonly #linked = new Map<Connection, () => void>()

  isLinked(connection: Connection): boolean {
    return this.#linked.has(connection)
  }

  [Symbol.iterator](): IterableIterator<Connection> {
    return this.#linked.keys()
  }

  /** The connection of a peer that has been linked longest. */
  of(peer: PeerId): Connection | undefined {
    for (const connection of this.#linked.keys()) if (connection.remotePeer.equals(peer)) return connection
    return undefined
  }

  /** Yields false for a connection that is not open any more: it gets no link. */
  link(connection: Connection): boolean {
    if (connection.status !== 'open') return false
    if (this.#linked.has(connection)) return true
    const onClose = (): void => this.unlink(connection)
    this.#linked.set(connection, onClose)
    connection.addEventListener('close', onClose, { once: true })
    this.safeDispatchEvent('linked', { detail: connection })
    return true
  }

  unlink(connection: Connection): void {
    const onClose = this.#linked.get(connection)
    if (onClose === undefined) return
    this.#linked.delete(connection)
    connection.removeEventListener('close', onClose)
    this.safeDispatchEvent('unlinked', { detail: connection })
  }
}
