import type { Connection, StreamHandlerRecord, StreamMiddleware } from '@libp2p/interface'

/** What libp2p's connection asks of a registrar. */
export interface Protocols {
  getProtocols(): string[]
  /** @throws an error for a protocol that has no handler. */
  getHandler(protocol: string): StreamHandlerRecord
  getMiddleware(protocol: string): StreamMiddleware[]
}

/** What the upgrader's connection keeps without a public name: libp2p 3.3.11. */
interface Negotiating {
  components?: { readonly registrar: Protocols }
}

const shown = new WeakMap<Connection, Set<Protocols>>()

/**
 * Lets one connection negotiate more protocols than libp2p's registrar has, as long as `isShown` says so; all other
 * connections know nothing of them. Once is enough: a second call for the same protocols does nothing.
 */
export function showProtocols(connection: Connection, more: Protocols, isShown: () => boolean): void {
  const known = shown.get(connection) ?? new Set()
  if (known.has(more)) return
  shown.set(connection, known.add(more))
  const negotiating = connection as unknown as Negotiating
  const { components } = negotiating
  if (components === undefined) throw new TypeError('this version of libp2p negotiates protocols elsewhere')
  const registrar = joined(components.registrar, more, isShown)
  negotiating.components = Object.create(components, { registrar: { value: registrar } }) as typeof components
}

function joined(all: Protocols, more: Protocols, isShown: () => boolean): Protocols {
  const isOfMore = (protocol: string): boolean => isShown() && more.getProtocols().includes(protocol)
  return {
    getProtocols: () => (isShown() ? [...all.getProtocols(), ...more.getProtocols()] : all.getProtocols()),
    getHandler: protocol => (isOfMore(protocol) ? more : all).getHandler(protocol),
    // Also after the link has ended, so that a stream is refused whose negotiation it outlasted.
    getMiddleware: protocol =>
      more.getProtocols().includes(protocol) ? more.getMiddleware(protocol) : all.getMiddleware(protocol)
  }
}
