import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createNode, hubKeyPath, initKeys, loadConfig } from 'omnigate'
import { omnigate } from '../our-node.ts'

/** Far above what the cases spend: they are not about quotas. */
const AMPLE = 1_000_000
const HOUR_MS = 3_600_000
const TENANT = '7b0c9f3e-54a1-4a52-9c1d-0a6f6f2d7c11'
/** Added, and removed again. */
const GONE_TENANT = '8c1d0a4f-65b2-4b63-8d2e-1b707a3e8d22'

/** Enough for all cases of echo, the mailbox and storage. */
const VERBS =
  'echo:call,mailbox:send,mailbox:recv,storage:get,storage:has,storage:put,storage:delete,storage:pin,storage:list,storage:stat'

/** What the runner's hub may do: enough for each of its cases to have something that is refused. */
const TREATY = {
  verbs: ['cap:exchange', 'echo:call', 'mailbox:send'],
  rows: [
    {
      share: { id: '5f1d09c4a7e24be08c3a6d2f90b1e7c8', name: 'conformance' },
      dir: 'in',
      tenant: TENANT,
      topics: ['linked/**']
    },
    {
      share: { id: '6a7e3c1f90d24b5e8f6071a2b3c4d5e6', name: 'conformance-out' },
      dir: 'out',
      tenant: TENANT,
      topics: ['sent/**']
    },
    {
      share: { id: '7b8f4d2091e35c6f907182b3c4d5e6f7', name: 'conformance-gone' },
      dir: 'in',
      tenant: GONE_TENANT,
      topics: ['gone/**']
    },
    {
      share: { id: '8c9a5e31a2f46d70819293c4d5e6f708', name: 'conformance-both' },
      dir: 'both',
      tenant: TENANT,
      topics: ['both/**']
    }
  ],
  witness: true,
  quotas: { calls_per_s: AMPLE, bytes_per_s: 2 ** 30, streams: 64 }
}

/**
 * A node that opens no verb: with a bearer token for its echo, mailbox and storage as text, and the file of the key of another
 * hub, which it allows. `await using` stops it.
 */
export async function guardedNode() {
  await using started = new AsyncDisposableStack()
  const folder = await mkdtemp(join(tmpdir(), 'omnigate-conformance-'))
  started.defer(() => rm(folder, { recursive: true }))
  const keys = join(folder, 'runner')
  const { hubId } = await initKeys(keys, { nodeName: 'runner', nowMs: Date.now() })
  const { config } = loadConfig({
    flags: {
      'node.listen': ['/ip4/127.0.0.1/tcp/0'],
      'http.enabled': false,
      'log.level': 'silent',
      'strangers.loopbackIsKnown': true,
      'capabilities.takesBearer': true,
      // A machine that others keep busy is no overload.
      'limits.maxDelayMs': HOUR_MS,
      'quotas.tenantCallsPerSecond': AMPLE,
      'quotas.tenantBurst': AMPLE,
      'federation.peers': [{ hub: hubId, treaty: TREATY }]
    }
  })
  const data = join(folder, 'node')
  const node = started.use(createNode(config, { data, init: true }))
  await node.start()
  await node.capabilities().addTenant({ name: 'linked', id: TENANT }, { actor: 'local' })
  await node.capabilities().addTenant({ name: 'gone', id: GONE_TENANT }, { actor: 'local' })
  await node.capabilities().removeTenant(GONE_TENANT, { purge: false }, { actor: 'local' })
  const asked = { verb: VERBS, tenant: 'default', bearer: true }
  const { token } = await node.capabilities().mint(asked, { actor: 'local' })
  const running = started.move()
  return {
    address: node.status().addresses[0]!,
    token: Buffer.from(token).toString('base64url'),
    hubKey: hubKeyPath(keys),
    /** The code of a new invite; the one before it is void. */
    invite: () => newInvite(data),
    [Symbol.asyncDispose]: () => running.disposeAsync()
  }
}

async function newInvite(data: string): Promise<string> {
  const { stdout, stderr } = await omnigate(['peer', 'invite', '--no-wait', '--json', '--data', data])
  if (stdout[0] === undefined) throw new Error(stderr)
  return (JSON.parse(stdout[0]) as { code: string }).code
}
