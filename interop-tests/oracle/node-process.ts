import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createNode, loadConfig } from 'omnigate'
import { plantOracle } from './planted.ts'

// node node-process.ts [planted]
// A node with two tenants, its blobs on a disk. Prints its address and a token for each, and ends with its standard input.
if (process.argv[2] === 'planted') plantOracle()
const LOCAL = { actor: 'local' }
const AMPLE = 1_000_000
const VERBS = 'storage:get,storage:has,storage:providers,storage:put'

const folder = await mkdtemp(join(tmpdir(), 'omnigate-oracle-'))
const { config } = loadConfig({
  flags: {
    'node.listen': ['/ip4/127.0.0.1/tcp/0'],
    'http.listen': '127.0.0.1:0',
    'log.level': 'silent',
    'strangers.loopbackIsKnown': true,
    'capabilities.takesBearer': true,
    'quotas.prefixCallsPerSecond': AMPLE,
    'quotas.strangerCallsPerSecond': AMPLE,
    'quotas.tenantCallsPerSecond': AMPLE,
    'quotas.tenantBurst': AMPLE,
    'quotas.tenantBytesPerSecond': 2 ** 33
  }
})
const node = createNode(config, { data: join(folder, 'data'), init: true })
await node.start()
const capabilities = node.capabilities()
for (const name of ['owner', 'other']) await capabilities.addTenant({ name }, LOCAL)
const tokenOf = async (tenant: string): Promise<string> => {
  const { token } = await capabilities.mint({ verb: VERBS, tenant, bearer: true }, LOCAL)
  return Buffer.from(token).toString('base64url')
}
process.stdout.write(
  `${JSON.stringify({
    address: node.status().addresses[0],
    http: node.status().http,
    owner: await tokenOf('owner'),
    other: await tokenOf('other')
  })}\n`
)
process.stdin.resume()
process.stdin.once('end', () => {
  void node.stop().then(() => rm(folder, { recursive: true }))
})
