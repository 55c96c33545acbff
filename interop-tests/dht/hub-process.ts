import { hash } from 'node:crypto'
import { answerParent } from '../redteam/loads/helper-process.ts'
import { allow, startHubNode } from '../redteam/loads/hub-node.ts'

// A whole hub: its folder, and the port that it has had before, 0 for any.
const [data, port] = process.argv.slice(2) as [string, string]
const { node, operator, hub, peer, address } = await startHubNode(data, {
  'node.listen': [`/ip4/127.0.0.1/tcp/${port}`]
})

export interface HubFacts {
  readonly hub: string
  readonly peer: string
  readonly address: string
}

export interface HubFigures {
  readonly links: number
  readonly dhtPeers: number
  readonly roots: number
  readonly announced: number
  readonly failed: number
  readonly cpuSeconds: number
  readonly rssBytes: number
}

/** The first provider that a search names. */
export interface Found {
  readonly peer: string | undefined
  readonly via: string | undefined
  readonly ms: number
}

answerParent({
  who: (): HubFacts => ({ hub, peer, address }),
  allow: async (others: readonly { readonly hub: string; readonly address?: string }[]) => {
    for (const other of others)
      await allow({ operator } as never, other.hub, other.address === undefined ? [] : [other.address])
  },
  figures: async (): Promise<HubFigures> => {
    let links = 0
    for await (const { link } of await operator.federation.peer_list({})) if (link === 'up') links++
    const { peers: dhtPeers, roots, announced, failed } = await operator.dht.dht_stats({})
    const { user, system } = process.cpuUsage()
    return {
      links,
      dhtPeers,
      roots,
      announced,
      failed,
      cpuSeconds: (user + system) / 1e6,
      rssBytes: process.memoryUsage.rss()
    }
  },
  put: async ({ count }: { readonly count: number }): Promise<string[]> => {
    const { id: tenant } = await operator.capabilities.tenant_show({ tenant: 'default' })
    const cids: string[] = []
    for (let n = 0; n < count; n++) {
      const body = [hash('sha256', `${peer} ${n}`, 'buffer')]
      cids.push((await operator.storage.put({ class: 'public' }, { tenant, body })).cid)
    }
    return cids
  },
  find: async ({ cid }: { readonly cid: string }): Promise<Found> => {
    const since = performance.now()
    const { providers } = await operator.storage.providers({ cid, max: 1 })
    return { peer: providers[0]?.peer, via: providers[0]?.via, ms: performance.now() - since }
  },
  stop: async () => node.stop()
})
