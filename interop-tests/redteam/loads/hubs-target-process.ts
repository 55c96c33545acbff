import { join } from 'node:path'
import { setFlagsFromString } from 'node:v8'
import { answerParent } from './helper-process.ts'
import { allow, startHubNode } from './hub-node.ts'

// As `omnigate start` does.
setFlagsFromString('--heap-growing-percent=300')

// The hub under attack, a whole node: who is a linked hub it finds out by its handshakes.
const [top, connections] = process.argv.slice(2) as [string, string]
const hub = await startHubNode(join(top, 'target'), {
  'transport.maxConnections': Number(connections),
  'http.enabled': true,
  'http.listen': '127.0.0.1:0'
})
const before = process.cpuUsage()

export interface HubTold {
  readonly cpuSeconds: number
  readonly rssBytes: number
  readonly connections: unknown
  readonly strangers: unknown
  /** Links that are up. */
  readonly links: number
  /** Handshakes by how they ended; those that did are left out which never occurred. */
  readonly handshakes: Readonly<Record<string, number>>
  /** What became of strangers who had to wait, and what the event loop spent on the others. */
  readonly valve: Readonly<Record<string, number>>
}

answerParent({
  who: () => ({ hub: hub.hub, address: hub.address }),
  allow: async ({ hubs }: { hubs: string[] }) => {
    for (const one of hubs) await allow(hub, one, [])
  },
  tell: async (): Promise<HubTold> => {
    const { user, system } = process.cpuUsage(before)
    const { connections: all, strangers, http } = hub.node.status()
    const { up } = await hub.operator.federation.federation_status({})
    const text = await (await fetch(new URL('/metrics', http!))).text()
    return {
      cpuSeconds: (user + system) / 1e6,
      rssBytes: process.memoryUsage.rss(),
      connections: all,
      strangers,
      links: up,
      handshakes: handshakes(text),
      valve: valve(text)
    }
  }
})

function handshakes(text: string): Record<string, number> {
  const found = text.matchAll(/^[a-z_]*federation_handshakes_total\{outcome="([a-z_]+)"\} ([0-9]+)$/gm)
  return Object.fromEntries(
    [...found]
      .map(([, outcome, times]) => [outcome!, Number(times)] as const)
      .filter(([, times]) => times > 0)
  )
}

function valve(text: string): Record<string, number> {
  const found = text.matchAll(
    /^(strangers_waiting|stranger[a-z_]+_total|connections_refused_total) ([0-9.]+)$/gm
  )
  return Object.fromEntries([...found].map(([, name, value]) => [name!, Number(value)]))
}
