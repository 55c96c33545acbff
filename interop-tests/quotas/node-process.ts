import { createNode, loadConfig } from 'omnigate'
import { answerParent } from '../redteam/loads/helper-process.ts'

// A node with two tenants: `default` may make few calls a second, `quiet` as many as it likes.

const MANY = 1_000_000
const LOCAL = { actor: 'local' }

export interface Serving {
  readonly address: string
  readonly http: string
}

const { config } = loadConfig({
  flags: {
    'node.listen': ['/ip4/127.0.0.1/tcp/0'],
    'http.listen': '127.0.0.1:0',
    'log.level': 'error',
    'strangers.loopbackIsKnown': true,
    'capabilities.takesBearer': true,
    'quotas.tenantCallsPerSecond': 20,
    'quotas.tenantBurst': 20
  }
})
const node = createNode(config)

answerParent({
  start: async (): Promise<Serving> => {
    await node.start()
    const capabilities = node.capabilities()
    await capabilities.addTenant({ name: 'quiet' }, LOCAL)
    await capabilities.limitTenant('quiet', { limits: { callsPerSecond: MANY, burst: MANY } }, LOCAL)
    const { addresses, http } = node.status()
    return { address: addresses[0]!, http: http! }
  },
  /** A token for echo, as hex. */
  mint: async ({ tenant }: { tenant: string }): Promise<string> => {
    const { token } = await node.capabilities().mint({ verb: 'echo:call', tenant, bearer: true }, LOCAL)
    return Buffer.from(token).toString('hex')
  }
})
