import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connectAdmin, createNode, loadConfig } from 'omnigate'

const AMPLE = 2 ** 33

type Put = Parameters<Awaited<ReturnType<typeof connectAdmin>>['storage']['put']>[0]

/** A node of ours with a gateway on loopback, its blobs on a disk, until it is disposed. */
export interface GatewayNode extends AsyncDisposable {
  /** Of its HTTP listener. */
  readonly url: string
  readonly peer: string
  /** For commands with `--data`. */
  readonly data: string
  /** Stores bytes; yields their content id. */
  put(bytes: Uint8Array, how: Put): Promise<string>
}

export async function startGateway(): Promise<GatewayNode> {
  const folder = await mkdtemp(join(tmpdir(), 'omnigate-ipfs-'))
  const data = join(folder, 'data')
  const { config } = loadConfig({
    flags: {
      'node.listen': ['/ip4/127.0.0.1/tcp/0'],
      'http.listen': '127.0.0.1:0',
      'log.level': 'silent',
      'limits.maxDelayMs': 60_000,
      'quotas.prefixCallsPerSecond': 5000,
      'quotas.strangerBytesPerSecond': AMPLE
    }
  })
  const node = createNode(config, { data, init: true })
  await node.start()
  const admin = await connectAdmin(data)
  const { id: tenant } = await admin.capabilities.tenant_show({ tenant: 'default' })
  const { http, peer_id: peer } = node.status()
  return {
    url: http!,
    peer,
    data,
    put: async (bytes, how) => (await admin.storage.put(how, { tenant, body: [bytes] })).cid,
    async [Symbol.asyncDispose]() {
      await admin[Symbol.asyncDispose]()
      await node.stop()
      await rm(folder, { recursive: true })
    }
  }
}
