import type { Multiaddr } from '@multiformats/multiaddr'

/**
 * The network that a remote address is judged by: its /24 for IPv4 (also when mapped into IPv6), its /64 for IPv6.
 * Yields 'local' for a Unix socket, and one shared 'unknown' for what carries no IP address.
 */
export function prefixOf(address: Multiaddr): string {
  return networkOf(hostOf(address))
}

/** The same for an IP address as text. */
export function prefixOfIp(ip: string): string {
  return networkOf(hostOfIp(ip))
}

/** What one owner has of addresses, at a guess: the /24 for IPv4 (also when mapped into IPv6), the /48 for IPv6. */
export function siteOfIp(ip: string): string {
  return networkOf(hostOfIp(ip), 48)
}

/** True for 127.0.0.0/8, ::1 and Unix sockets: callers on this machine. */
export function isLoopback(address: Multiaddr): boolean {
  return isLoopbackHost(hostOf(address))
}

/** The same for an IP address as text. */
export function isLoopbackIp(ip: string): boolean {
  return isLoopbackHost(hostOfIp(ip))
}

/** The IP address of a remote address, where it has one. */
export function ipOf(address: Multiaddr): string | undefined {
  return address.getComponents().find(({ name }) => name === 'ip4' || name === 'ip6')?.value
}

function isLoopbackHost(host: Host): boolean {
  if (host.kind === 'ip4') return host.octets[0] === 127
  if (host.kind === 'ip6') return host.groups.every((group, i) => group === (i === 7 ? 1 : 0))
  return host.kind === 'local'
}

type Host =
  | { readonly kind: 'ip4'; readonly octets: readonly number[] }
  | { readonly kind: 'ip6'; readonly groups: readonly number[] }
  | { readonly kind: 'local' | 'unknown' }

function networkOf(host: Host, ip6Bits: 48 | 64 = 64): string {
  switch (host.kind) {
    case 'ip4':
      return `${host.octets.slice(0, 3).join('.')}.0/24`
    case 'ip6':
      return `${host.groups
        .slice(0, ip6Bits / 16)
        .map(group => group.toString(16))
        .join(':')}::/${ip6Bits}`
    default:
      return host.kind
  }
}

function hostOf(address: Multiaddr): Host {
  for (const { name, value } of address.getComponents()) {
    if ((name === 'ip4' || name === 'ip6') && value !== undefined) return hostOfIp(value)
    if (name === 'unix') return { kind: 'local' }
  }
  return { kind: 'unknown' }
}

function hostOfIp(ip: string): Host {
  return ip.includes(':') ? unmapped(groupsOf(ip)) : { kind: 'ip4', octets: ip.split('.').map(Number) }
}

function unmapped(groups: readonly number[]): Host {
  const isMapped = groups.slice(0, 5).every(group => group === 0) && groups[5] === 0xffff
  if (!isMapped) return { kind: 'ip6', groups }
  return { kind: 'ip4', octets: groups.slice(6).flatMap(group => [group >>> 8, group & 0xff]) }
}

function groupsOf(ip6: string): number[] {
  const normal = new URL(`http://[${ip6}]`).hostname.slice(1, -1)
  const [head = '', tail] = normal.split('::')
  const before = parseGroups(head)
  if (tail === undefined) return before
  const after = parseGroups(tail)
  return [...before, ...Array.from({ length: 8 - before.length - after.length }, () => 0), ...after]
}

function parseGroups(text: string): number[] {
  return text === '' ? [] : text.split(':').map(group => Number.parseInt(group, 16))
}
