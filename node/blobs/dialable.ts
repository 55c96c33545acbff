import { BlockList, isIP } from 'node:net'

/** How far away an address reaches: this machine, the own network, everybody's. */
const MACHINE = 0
const NETWORK = 1
const INTERNET = 2

/** More of one peer are not tried. */
const MOST_ADDRESSES = 4
const ADDRESS = /^\/ip([46])\/([^/]+)\/tcp\/(\d{1,5})(?:\/ws)?(?:\/p2p\/([^/]+))?$/

const listOf = (...subnets: readonly string[]): BlockList => {
  const list = new BlockList()
  for (const subnet of subnets) {
    const [ip, bits] = subnet.split('/') as [string, string]
    list.addSubnet(ip, Number(bits), ip.includes(':') ? 'ipv6' : 'ipv4')
  }
  return list
}

const OWN_MACHINE = listOf('127.0.0.0/8', '::1/128')
const OWN_NETWORK = listOf(
  '10.0.0.0/8',
  '172.16.0.0/12',
  '192.168.0.0/16',
  '100.64.0.0/10',
  '192.0.0.0/24',
  '198.18.0.0/15',
  'fc00::/7',
  'fec0::/10'
)
/** No node of anybody: unspecified, link-local (what clouds serve their secrets on), multicast, and ways to IPv4 unseen. */
const NOBODY = listOf(
  '0.0.0.0/8',
  '169.254.0.0/16',
  '224.0.0.0/3',
  '::/96',
  '::ffff:0:0:0/96',
  '100::/64',
  '2001::/32',
  'fe80::/10',
  'ff00::/8',
  '64:ff9b::/32',
  '2002::/16'
)

/**
 * The multiaddrs at which a peer may be dialled because somebody else told them, each ending in its peer id. They name
 * an IP address and no host, and none is nearer than the farthest of this node's own: a node that the internet reaches
 * is not sent into its own network, one in a network not to the services of its own machine.
 */
export function dialable(peer: string, told: readonly string[], own: readonly string[]): readonly string[] {
  const least = own.length === 0 ? INTERNET : Math.max(...own.map(reachOf))
  return told
    .filter(address => {
      const named = ADDRESS.exec(address)?.[4] ?? peer
      const scope = scopeOf(address)
      return named === peer && scope !== undefined && scope >= least
    })
    .slice(0, MOST_ADDRESSES)
    .map(address => (address.endsWith(`/p2p/${peer}`) ? address : `${address}/p2p/${peer}`))
}

/** Whoever is announced by a name is on the internet. */
const reachOf = (address: string): number =>
  address.startsWith('/dns') ? INTERNET : (scopeOf(address) ?? MACHINE)

/** Undefined for what is never dialled. */
function scopeOf(address: string): number | undefined {
  const [, version, ip = '', port = '0'] = ADDRESS.exec(address) ?? []
  if (isIP(ip) !== Number(version) || Number(port) < 1 || Number(port) > 65_535) return undefined
  const family = version === '4' ? 'ipv4' : 'ipv6'
  // Its own loopback stands among what is nobody's.
  if (OWN_MACHINE.check(ip, family)) return MACHINE
  if (NOBODY.check(ip, family)) return undefined
  return OWN_NETWORK.check(ip, family) ? NETWORK : INTERNET
}
