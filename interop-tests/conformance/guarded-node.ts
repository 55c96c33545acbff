import { createNode, loadConfig } from 'omnigate'

/** Far above what the cases spend: they are not about the quotas of a tenant. */
const AMPLE = 1_000_000

/** A node that opens no verb, and a bearer token for its echo and mailbox as text; `await using` stops it. */
export async function guardedNode() {
  const { config } = loadConfig({
    flags: {
      'node.listen': ['/ip4/127.0.0.1/tcp/0'],
      'http.enabled': false,
      'log.level': 'silent',
      'strangers.loopbackIsKnown': true,
      'capabilities.takesBearer': true,
      'quotas.tenantCallsPerSecond': AMPLE,
      'quotas.tenantBurst': AMPLE
    }
  })
  const node = createNode(config)
  await node.start()
  const asked = { verb: 'echo:call,mailbox:send,mailbox:recv', tenant: 'default', bearer: true }
  const { token } = await node.capabilities().mint(asked, { actor: 'local' })
  return {
    address: node.status().addresses[0]!,
    token: Buffer.from(token).toString('base64url'),
    [Symbol.asyncDispose]: () => node.stop()
  }
}
