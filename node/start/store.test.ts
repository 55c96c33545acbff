import assert from 'node:assert/strict'
import { readFileSync, readdirSync, truncateSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'node:test'
import type { TestContext } from 'node:test'
import { connectAdmin } from '../admin/admin-client.ts'
import type { FederationClient } from '../allowlist/index.ts'
import type { Tenant } from '../capabilities/index.ts'
import { loadConfig } from '../config/index.ts'
import { endings } from '../endings.fixture.ts'
import { ephemeralKeys } from '../ephemeral-keys.ts'
import { createNode } from '../node.ts'
import type { OmnigateNode } from '../node.ts'
import { openLevel } from '../stores/level.ts'
import { LevelMailboxStore, fsckMailbox } from '../stores/mailbox/index.ts'

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
    return { tenants: tenantsOf(node), rights: node.capabilities().list() }
  })
  const after = await during(data, false, tenantsOf)

  assert.equal(kept.tenants.length, 2)
  assert.deepEqual(seen, kept)
  assert.deepEqual(after, kept.tenants)
})

test('an ephemeral start allows the hubs of its data folder, and no others', async t => {
  const data = await folder(t)
  const asking = async <T>(use: (federation: FederationClient) => Promise<T>): Promise<T> => {
    await using admin = await connectAdmin(data)
    return await use(admin.federation)
  }
  const { hubId: hub } = await ephemeralKeys('node1')
  await during(data, false, () => asking(federation => federation.peer_add({ hub, addresses: [] })))

  await during(data, true, () =>
    asking(async federation => {
      assert.deepEqual((await federation.peer_show({ hub })).verbs, ['echo:call'])
      for (const change of [
        federation.peer_remove({ hub }),
        federation.peer_edit({ hub, note: 'x' }),
        federation.treaty_edit({ hub, body: Buffer.from('{}') })
      ])
        await assert.rejects(change, { code: 'conflict', message: /--ephemeral/ })
    })
  )

  const { note } = await during(data, false, () => asking(federation => federation.peer_show({ hub })))
  assert.equal(note, '')
})

test('an ephemeral start of a data folder takes no change of a right, and takes none back', async t => {
  const data = await folder(t)
  const token = await during(data, false, node =>
    node.capabilities().mint({ verb: 'echo:call', tenant: 'default', bearer: true }, LOCAL)
  )
  const use = { verb: 'echo:call', peer: 'someone', app: 1, bytes: 0, writes: false, tenantId: undefined }
  const filesIn = () =>
    ['root-keys.json', 'revocation.key', 'revocations.ndjson'].map(name =>
      readFileSync(join(data, 'capabilities', name), 'utf8')
    )
  const before = filesIn()

  await during(data, true, async node => {
    const rights = node.capabilities()
    assert.equal(rights.refusal(token.token, use), undefined)
    const proved = { ...token, tenant: tenantsOf(node)[0]!.id, limits: { origins: [] } }
    const changes: Record<string, () => Promise<unknown>> = {
      mint: () => rights.mint({ verb: 'echo:call', tenant: 'default', bearer: true }, LOCAL),
      renew: () => rights.renew(proved as never, 'someone'),
      rotate: () => rights.rotate({}, LOCAL),
      rotateRevocationKey: () => rights.rotateRevocationKey(LOCAL),
      revoke: () => rights.revoke({ cap_id: token.capId }, undefined, LOCAL),
      addTenant: () => rights.addTenant({ name: 'passing' }, LOCAL),
      limitTenant: () => rights.limitTenant('default', { limits: undefined }, LOCAL),
      removeTenant: () => rights.removeTenant('default', { purge: true }, LOCAL)
    }
    for (const [name, change] of Object.entries(changes))
      await assert.rejects(change, { code: 'conflict', message: /--ephemeral/ }, name)
    assert.equal(rights.refusal(token.token, use), undefined)
  })

  assert.deepEqual(filesIn(), before)
  await during(data, false, node => assert.equal(node.capabilities().refusal(token.token, use), undefined))
})

test('an ephemeral start without a data folder changes its rights, which end with it', async () => {
  await using node = createNode(config, { ephemeral: true })
  await node.start()

  await node.capabilities().addTenant({ name: 'passing' }, LOCAL)

  assert.equal(tenantsOf(node).length, 2)
})

test('a store of which a part of the node finds a file cut short is told as damaged, by the start and by fsck', async t => {
  const data = await folder(t)
  await during(data, false, () => undefined)
  const store = join(data, 'store')
  // LevelDB writes what its log holds into a table when it opens: the newest then has rows of the mailbox alone.
  const level = await openLevel(store)
  await level.put('!mailbox!b0000000000ff', new Uint8Array(100_000))
  await level.close()
  await (await openLevel(store)).close()
  const tables = readdirSync(store).filter(name => name.endsWith('.ldb'))
  truncateSync(join(store, tables.sort().at(-1)!), 60)

  const starting = createNode(config, { data }).start()
  await assert.rejects(starting, {
    name: 'SetupError',
    message: /store .* cannot be read: .*restore it from a backup/
  })
  const kept = await openLevel(store)
  const { problems } = await fsckMailbox(kept)
  await kept.close()

  assert.deepEqual(
    problems.map(({ kind, subject }) => [kind, subject]),
    [['damaged_block', 'the newest batches']]
  )
})

test('a mailbox that a newer version wrote ends the start with a clear word, each time', async t => {
  const data = await folder(t)
  await during(data, false, () => undefined)
  const level = await openLevel(join(data, 'store'))
  const migrations = [() => Promise.resolve()]
  const newer = await LevelMailboxStore.open(level, {
    now: () => Date.now(),
    idemWindowMs: 300_000,
    migrations
  })
  await newer[Symbol.asyncDispose]()
  await level.close()

  for (let starts = 0; starts < 2; starts++)
    await assert.rejects(createNode(config, { data }).start(), {
      reason: 'newerFormat',
      message: 'the mailbox has format 2, this version reads up to 1: use the newer omnigate that wrote it'
    })
})
