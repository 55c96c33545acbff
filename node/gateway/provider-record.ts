/** How a node is reached, as delegated routing writes it. */
export interface ProviderRecord {
  readonly Schema: 'peer'
  readonly ID: string
  readonly Addrs: readonly string[]
  readonly Protocols: readonly string[]
}

export interface Self {
  readonly peer: string
  /** Multiaddrs of its transports. */
  readonly addresses: readonly string[]
  /** Multiaddrs of its gateway. */
  readonly gateway: readonly string[]
}

const GATEWAY = 'transport-ipfs-gateway-http'
const MOST_ADDRESSES = 16

/** This node as a provider; addresses of the gateway come first, since every reader can use them. */
export const recordOf = ({ peer, addresses, gateway }: Self, protocol: string): ProviderRecord => ({
  Schema: 'peer',
  ID: peer,
  Addrs: [...gateway, ...addresses].slice(0, MOST_ADDRESSES),
  Protocols: [...(gateway.length > 0 ? [GATEWAY] : []), protocol]
})

/** The multiaddr of an HTTP listener. */
export function httpMultiaddr(url: string): string {
  const { hostname, port, protocol } = new URL(url)
  const host = hostname.replace(/^\[|\]$/g, '')
  const family = host.includes(':') ? 'ip6' : /^[\d.]+$/.test(host) ? 'ip4' : 'dns'
  return `/${family}/${host}/tcp/${port}/${protocol.slice(0, -1)}`
}
