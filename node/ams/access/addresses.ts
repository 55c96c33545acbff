import { BlockList, isIP } from 'node:net'

/** An IP address in one form, so that the same one is always the same text; undefined for what is none. IPv6 zones go. */
export function parseIp(text: string): string | undefined {
  const [plain = ''] = text.split('%', 1)
  const version = isIP(plain)
  if (version === 4) return plain
  if (version !== 6) return undefined
  const normal = new URL(`http://[${plain}]`).hostname.slice(1, -1)
  return unmapped(normal) ?? normal
}

/** `::ffff:cb00:7107` is 203.0.113.7 as sockets for both show it. */
function unmapped(ip6: string): string | undefined {
  const groups = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(ip6)
  if (groups === null) return undefined
  const [high = 0, low = 0] = groups.slice(1).map(group => Number.parseInt(group, 16))
  return [high >> 8, high & 0xff, low >> 8, low & 0xff].join('.')
}

/** What one who asks has at least of addresses: one of IPv4, a /64 of IPv6. `ip` as `parseIp` gives it, or another name. */
export const sourceOf = (ip: string): string => (ip.includes(':') ? `${groupsOf(ip, 4)}::/64` : ip)

/** What one customer of a provider often has of IPv6, a /48; undefined for IPv4. */
export const siteOf = (ip: string): string | undefined =>
  ip.includes(':') ? `${groupsOf(ip, 3)}::/48` : undefined

function groupsOf(ip6: string, count: number): string {
  const [head, tail] = ip6.split('::') as [string, string?]
  const before = head === '' ? [] : head.split(':')
  const after = tail === undefined || tail === '' ? [] : tail.split(':')
  const zeros = tail === undefined ? 0 : 8 - before.length - after.length
  return [...before, ...Array.from({ length: zeros }, () => '0'), ...after].slice(0, count).join(':')
}

/** A list of networks. */
export interface Networks {
  /** `ip` as `parseIp` gives it. */
  has(ip: string): boolean
}

const CIDR = /^([0-9a-fA-F.:]+)(?:\/(\d{1,3}))?$/

/** Why a text names no network; undefined when it does: an address, or one with the bits that count. */
export function networkProblem(text: string): string | undefined {
  const parsed = parseNetwork(text)
  if (parsed === undefined) return 'must be an address or a network: 10.0.0.0/8, fd00::/8'
  // Whoever may say who it is must be somebody in particular.
  return parsed.bits === 0 ? 'holds every address: anybody could say who it is' : undefined
}

/** @throws RangeError for one that `networkProblem` has something to say of. */
export function networksOf(texts: readonly string[]): Networks {
  const list = new BlockList()
  for (const text of texts) {
    const parsed = parseNetwork(text)
    const problem = networkProblem(text)
    if (parsed === undefined || problem !== undefined) throw new RangeError(`${text}: ${problem}`)
    list.addSubnet(parsed.ip, parsed.bits, parsed.ip.includes(':') ? 'ipv6' : 'ipv4')
  }
  return { has: ip => list.check(ip, ip.includes(':') ? 'ipv6' : 'ipv4') }
}

function parseNetwork(text: string): { readonly ip: string; readonly bits: number } | undefined {
  const [, address = '', length] = CIDR.exec(text) ?? []
  const version = isIP(address)
  if (version === 0) return undefined
  const most = version === 4 ? 32 : 128
  const bits = length === undefined ? most : Number(length)
  return bits <= most ? { ip: address, bits } : undefined
}
