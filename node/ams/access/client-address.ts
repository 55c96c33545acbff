import { parseIp } from './addresses.ts'
import type { Networks } from './addresses.ts'

/** Proxies that one request goes through; who names more is taken for the last that is looked at. */
const MAX_PROXIES = 16
const WITH_PORT = /^(?:(\d[\d.]*)|\[([0-9a-fA-F:.]+)\]):\d{1,5}$/

/** The caller has no IP address: it came through a socket of this machine. */
export const LOCAL = 'local'

/**
 * Who asks: the address that the connection comes from, or, where that is a trusted proxy, the rightmost address of
 * `X-Forwarded-For` that is none. What stands left of it may be invented, and so may all of it where no proxy is trusted.
 * Where a trusted proxy tells something that is no address, the proxy itself is taken.
 */
export function clientAddress(
  remote: string | undefined,
  forwardedFor: readonly string[],
  trusted: Networks
): string {
  let client = parseIp(remote ?? '')
  if (client === undefined) return LOCAL
  const told = forwardedFor.join(',').split(',')
  for (let hop = 0; hop < MAX_PROXIES && trusted.has(client); hop++) {
    const next: string | undefined = addressOf(told.pop() ?? '')
    if (next === undefined) break
    client = next
  }
  return client
}

/** Some proxies add the port. */
function addressOf(told: string): string | undefined {
  const text = told.trim()
  const [, ip4, ip6] = WITH_PORT.exec(text) ?? []
  return text.includes('%') ? undefined : parseIp(ip4 ?? ip6 ?? text)
}
