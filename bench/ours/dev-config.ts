import { readFileSync } from 'node:fs'

const DEV = new URL('../../configs/dev.toml', import.meta.url)

/**
 * `configs/dev.toml` on free ports: callers on loopback are known, everything else is as an operator gets it. The one
 * tenant of a row may spend what a row takes, and tokens need no peer, since each row draws new ones.
 */
export function devSources() {
  return {
    file: { path: 'configs/dev.toml', text: readFileSync(DEV, 'utf8') },
    flags: {
      'node.listen': ['/ip4/127.0.0.1/tcp/0', '/ip4/127.0.0.1/tcp/0/ws'],
      'http.listen': '127.0.0.1:0',
      'log.level': 'warn',
      'capabilities.takesBearer': true,
      'quotas.tenantCallsPerSecond': 1_000_000_000,
      'quotas.tenantBurst': 1_000_000_000,
      'quotas.tenantBytesPerSecond': 2 ** 40
    }
  }
}

/** The address without `/ws` among those that a node says it has. */
export function tcpAddress(addresses: readonly string[]): string {
  const address = addresses.find(each => !each.includes('/ws'))
  if (address === undefined) throw new Error(`no TCP address among ${addresses.join(', ') || 'none'}`)
  return address
}
