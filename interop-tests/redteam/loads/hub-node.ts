import type { Connection } from '@libp2p/interface'
import { connectAdmin, createNode, loadConfig } from 'omnigate'
import type { AdminClient, OmnigateNode } from 'omnigate'

/** A whole node with a data folder of its own and its operator, all in this process. */
export interface HubNode {
  readonly node: OmnigateNode
  readonly operator: AdminClient
  readonly hub: string
  readonly peer: string
  readonly address: string
  /** Those that it has had, in their order. */
  readonly connections: readonly Connection[]
}

/** What one hub lets another do in these loads. */
export const TREATY = {
  verbs: ['echo:call'],
  quotas: { calls_per_s: 10_000, bytes_per_s: 1_073_741_824, streams: 64 }
}

/** Starts a hub for whom callers from this machine are strangers, in a folder that it makes. */
export async function startHubNode(
  data: string,
  flags: Readonly<Record<string, unknown>> = {}
): Promise<HubNode> {
  const { config } = loadConfig({
    flags: {
      'node.listen': ['/ip4/127.0.0.1/tcp/0'],
      'http.enabled': false,
      'log.level': 'error',
      'strangers.loopbackIsKnown': false,
      ...flags
    }
  })
  const connections: Connection[] = []
  const isKnown = (connection: Connection): boolean => {
    connections.push(connection)
    return false
  }
  const node = createNode(config, { data, init: true, overrides: { isKnown } })
  await node.start()
  const { hub_id, peer_id, addresses } = node.status()
  const operator = await connectAdmin(data)
  return { node, operator, hub: hub_id, peer: peer_id, address: addresses[0]!, connections }
}

/** Puts a hub on the allowlist of another. */
export async function allow({ operator }: HubNode, hub: string, addresses: readonly string[]): Promise<void> {
  const body = Buffer.from(JSON.stringify(TREATY))
  await operator.federation.peer_add({ hub, addresses: [...addresses], body })
}
