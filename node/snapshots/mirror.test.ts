import assert from 'node:assert/strict'
import { existsSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import test from 'node:test'
import { allow, hubFolder, linked, startHub, until } from '../links/hubs.fixture.ts'
import { loadConfig } from '../config/index.ts'
import { createNode } from '../node.ts'

const OPTIONS = { timeout: 240_000 }
const TREATY = { classes: ['federated'], verbs: ['storage:get'] }
const HTTP = { 'http.enabled': true, 'http.listen': '127.0.0.1:0' }

test('a mirror follows its core, shows what it verified, and takes no writes', OPTIONS, async t => {
  const data = hubFolder(t)
  const core = await startHub(t)
  const before = await startHub(t, { data })
  await allow(core, before, TREATY)
  await linked(core, before)
  await before.node.stop()
  const flags = { 'node.role': 'mirror', 'mirror.core': core.id, 'mirror.everySeconds': 1 }
  const refused = createNode(configOf(flags), { data })
  await assert.rejects(refused.start(), { reason: 'config', message: /hub\.key away/ })
  for (const role of ['hub', 'message', 'receipt', 'witness', 'snapshot', 'manifest'])
    rmSync(join(data, 'keys', `${role}.key`), { force: true })

  const mirror = await startHub(t, { data, flags: { ...flags, ...HTTP } })
  await core.operator.federation.peer_edit({ hub: mirror.id, addresses: [mirror.address] })
  await linked(core, mirror)
  const made = await core.operator.snapshots.snapshot_make({})
  const followed = await until(async () => {
    const { snapshots } = await mirror.operator.snapshots.snapshot_list({ hub: core.id })
    return snapshots.find(({ seq }) => seq === made.seq)
  }, 'the mirror has the snapshot')

  const status = await mirror.operator.status()
  assert.equal(status['mirror_of'], core.id)
  assert.ok(Number(status['mirror_lag_s']) < 3600)
  const url = status['http'] as string
  const newest = (await (await fetch(`${url}/snapshots/v1/newest`)).json()) as Record<string, unknown>
  assert.deepEqual([newest['hub'], newest['seq'], newest['cid']], [core.id, made.seq, followed.cid])
  const seal = await fetch(`${url}/snapshots/v1/${made.seq}/sha256.json`)
  assert.equal(await seal.text(), readFileSync(join(made.folder, 'sha256.json'), 'utf8'))
  const key = await fetch(`${url}/.well-known/minisign.pub`)
  assert.equal(await key.text(), readFileSync(join(made.folder, 'minisign.pub'), 'utf8'))
  for (const path of ['/snapshots/v1/1/sha256.json', `/snapshots/v1/${made.seq}/..%2f..%2fnode.key`])
    assert.equal((await fetch(url + path)).status, 404, path)
  for (const path of ['/snapshots/v1/newest', '/ipfs/x', '/healthz', '/anything']) {
    const answer = await fetch(url + path, { method: 'POST', body: 'x' })
    const { error } = (await answer.json()) as { error?: string }
    assert.deepEqual([answer.status, error], [403, 'read_only'], path)
  }
  const { id: tenant } = await mirror.operator.capabilities.tenant_show({ tenant: 'default' })
  await assert.rejects(mirror.operator.storage.put({}, { tenant, body: [Buffer.from('x')] }), {
    code: 'read_only'
  })
  await assert.rejects(mirror.operator.mailbox.send({ topic: 'a', body: Buffer.from('x') }, { tenant }), {
    code: 'read_only'
  })
  await assert.rejects(mirror.operator.snapshots.snapshot_make({}), { code: 'no_snapshot_key' })
  assert.equal(existsSync(join(data, 'keys', 'snapshot.key')), false)
})

test('a mirror without a core, or without a data folder, does not start', OPTIONS, async () => {
  assert.throws(() => configOf({ 'node.role': 'mirror' }), /mirror\.core/)
  const core = 'h1aoqqpp7tzyil4hlq3umoos6atft6jvrqtosq2xy53sdgiesvgg4a'

  const node = createNode(configOf({ 'node.role': 'mirror', 'mirror.core': core }))

  await assert.rejects(node.start(), { reason: 'config' })
})

const configOf = (flags: Record<string, unknown>) =>
  loadConfig({
    flags: {
      'node.listen': ['/ip4/127.0.0.1/tcp/0'],
      'http.enabled': false,
      'log.level': 'silent',
      ...flags
    }
  }).config
