import assert from 'node:assert/strict'
import test from 'node:test'
import type { TestContext } from 'node:test'
import { createNode, loadConfig } from 'omnigate'
import type { OmnigateNode } from 'omnigate'
import { CountingCaller } from './counting-caller.ts'
import { assertCounted, scraped } from './counted.ts'
import { together } from './told.ts'

const LOCAL = { actor: 'local' }

async function nodeWith(t: TestContext, flags: Record<string, unknown>): Promise<OmnigateNode> {
  const { config } = loadConfig({
    flags: {
      'node.listen': ['/ip4/127.0.0.1/tcp/0'],
      'http.listen': '127.0.0.1:0',
      'log.level': 'silent',
      'strangers.loopbackIsKnown': true,
      'capabilities.takesBearer': true,
      ...flags
    }
  })
  const node = createNode(config)
  t.after(() => node.stop())
  await node.start()
  return node
}

async function mint(node: OmnigateNode, tenant: string, members: object = {}): Promise<Uint8Array> {
  const asked = { verb: 'echo:call', tenant, bearer: true, ...members }
  return (await node.capabilities().mint(asked, LOCAL)).token
}

test('in a storm the counters are what the callers saw: calls, refusals by reason, bytes', async t => {
  const node = await nodeWith(t, { 'quotas.tenantCallsPerSecond': 200, 'quotas.tenantBurst': 300 })
  const capabilities = node.capabilities()
  await capabilities.addTenant({ name: 'second' }, LOCAL)
  const caps = [
    await mint(node, 'default'),
    await mint(node, 'second', { rate: 50 }),
    await mint(node, 'second', { verb: 'other:verb' }),
    undefined,
    Buffer.from('no token at all')
  ]
  const address = node.status().addresses[0]!
  const callers = await Promise.all(caps.map(() => CountingCaller.connect(address)))
  t.after(() => Promise.all(callers.map(caller => caller[Symbol.asyncDispose]())))

  await Promise.all(
    callers.map(async (caller, i) => {
      const cap = caps[i]
      for (const bytes of [0, 100, 5000])
        for (let round = 0; round < 5; round++)
          await caller.storm(50, { bytes, ...(cap !== undefined && { cap }) })
    })
  )

  const told = together(callers.map(caller => caller.told))
  assertCounted(await scraped(node.status().http!), told)
  assert.deepEqual([...told.codes.keys()].sort(), [
    'cap_denied',
    'cap_foreign',
    'cap_missing',
    'quota_capability',
    'quota_tenant'
  ])
})
