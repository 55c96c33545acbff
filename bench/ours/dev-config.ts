import { readFileSync } from 'node:fs'

const DEV = new URL('../../configs/dev.toml', import.meta.url)

const LOCAL = {
  'node.listen': ['/ip4/127.0.0.1/tcp/0', '/ip4/127.0.0.1/tcp/0/ws'],
  'http.listen': '127.0.0.1:0',
  'log.level': 'warn',
  'capabilities.takesBearer': true
}

const ONE_TENANT = {
  'quotas.tenantCallsPerSecond': 1_000_000_000,
  'quotas.tenantBurst': 1_000_000_000,
  'quotas.tenantBytesPerSecond': 2 ** 40
}

/**
 * `configs/dev.toml` on free ports: callers on loopback are known, everything else is as an operator gets it. The one
 * tenant of a row may spend what a row takes, and tokens need no peer, since each row draws new ones.
 */
export const devSources = () => ({ file: devFile(), flags: { ...LOCAL, ...ONE_TENANT } })

/** The same with tenants who may spend what tenants may by default. */
export const tenantSources = () => ({ file: devFile(), flags: LOCAL })

const devFile = () => ({ path: 'configs/dev.toml', text: readFileSync(DEV, 'utf8') })

/** The address without `/ws` among those that a node says it has. */
export function tcpAddress(addresses: readonly string[]): string {
  const address = addresses.find(each => !each.includes('/ws'))
  if (address === undefined) throw new Error(`no TCP address among ${addresses.join(', ') || 'none'}`)
  return address
}
