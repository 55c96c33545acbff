import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'node:test'
import type { TestContext } from 'node:test'
import type { Tenant } from '../capabilities/index.ts'
import { loadConfig } from '../config/index.ts'
import { endings } from '../endings.fixture.ts'
import { createNode } from '../node.ts'
import type { OmnigateNode } from '../node.ts'

const LOCAL = { actor: 'local' }
const { config } = loadConfig({
  flags: { 'node.listen': ['/ip4/127.0.0.1/tcp/0'], 'http.enabled': false, 'log.level': 'silent' }
})

async function folder(t: TestContext): Promise<string> {
  const top = await mkdtemp(join(tmpdir(), 'omnigate-ephemeral-'))
  endings(t).defer(() => rm(top, { recursive: true, force: true }))
  return join(top, 'hub')
}

/** What `use` yields of a node of the folder that then stops; ephemeral or not. */
async function during<T>(
  data: string,
  ephemeral: boolean,
  use: (node: OmnigateNode) => T | Promise<T>
): Promise<T> {
  await using node = createNode(config, { data, init: true, ephemeral })
  await node.start()
  return await use(node)
}

const tenantsOf = (node: OmnigateNode): Tenant[] => node.capabilities().tenants()

test('an ephemeral start serves the tenants and rights of its data folder and changes none of them', async t => {
  const data = await folder(t)
  const kept = await during(data, false, async node => {
    await node.capabilities().addTenant({ name: 'acme' }, LOCAL)
    await node.capabilities().limitTenant('acme', { limits: { callsPerSecond: 7 } }, LOCAL)
    await node.capabilities().mint({ verb: 'echo:call', tenant: 'acme', bearer: true }, LOCAL)
    return { tenants: tenantsOf(node), rights: node.capabilities().list() }
  })

  const seen = await during(data, true, async node => {
    const before = { tenants: tenantsOf(node), rights: node.capabilities().list() }
    await node.capabilities().addTenant({ name: 'passing' }, LOCAL)
    await node.capabilities().removeTenant('acme', { purge: true }, LOCAL)
    return before
  })
  const after = await during(data, false, tenantsOf)

  assert.equal(kept.tenants.length, 2)
  assert.deepEqual(seen, kept)
  assert.deepEqual(after, kept.tenants)
})
