import assert from 'node:assert/strict'
import { test } from 'node:test'
import { loadConfig } from '../config/index.ts'
import { startHub } from '../links/hubs.fixture.ts'
import { openStopped } from './stopped.ts'
import { stoppedFederation } from './stopped-allowlist.ts'
import { entriesIn } from './entries.fixture.ts'

const OTHER = 'h1aoqqpp7tzyil4hlq3umoos6atft6jvrqtosq2xy53sdgiesvgg4a'
const body = Buffer.from(JSON.stringify({ verbs: ['no such verb!'] }))

const refusals = async (data: string) =>
  (await entriesIn(data))
    .filter(({ type }) => type === 'refusal')
    .map(({ actor, subject, decision, data: { reason } }) => [actor, subject, decision, reason])

test('what an operator gives wrong changes nothing, is in the log by name, and counted', async t => {
  const hub = await startHub(t, { flags: { 'http.enabled': true, 'http.listen': '127.0.0.1:0' } })
  const { federation, links } = hub.operator
  await federation.peer_add({ hub: OTHER, addresses: [] })
  const before = await federation.treaty_show({ hub: OTHER })

  await assert.rejects(federation.treaty_edit({ hub: OTHER, body }), { code: 'bad_request' })
  await assert.rejects(federation.peer_import({ body: Buffer.from('{}') }), { code: 'bad_request' })
  await assert.rejects(links.pair_accept({ code: 'no code' }), { code: 'bad_request' })
  await assert.rejects(links.pair_invite({ body }), { code: 'bad_request' })
  await assert.rejects(links.pair_confirm({ hub: OTHER, fingerprint: 'x' }), { code: 'not_found' })
  await assert.rejects(links.relay({ hub: OTHER, app: 1 }))

  assert.deepEqual(await federation.treaty_show({ hub: OTHER }), before)
  assert.deepEqual(await refusals(hub.data), [
    ['local', 'admin/treaty_edit', 'deny', 'bad_request'],
    ['local', 'admin/peer_import', 'deny', 'bad_request'],
    ['local', 'admin/pair_accept', 'deny', 'bad_request'],
    ['local', 'admin/pair_invite', 'deny', 'bad_request'],
    ['local', 'admin/pair_confirm', 'deny', 'not_found']
  ])
  const metrics = await (await fetch(`${hub.node.status()['http']}/metrics`)).text()
  assert.match(metrics, /^requests_total\{service="admin",operation="treaty_edit",status="400"\} 1$/m)
  assert.match(metrics, /^rejected_total\{reason="bad_request"\} [45]$/m)
})

test('commands on a stopped hub leave one entry for refusals that follow each other', async t => {
  const { node, data } = await startHub(t)
  await node.stop()
  const { config } = loadConfig()

  for (let n = 0; n < 5; n++) {
    await using hub = await openStopped(data, { config })
    const federation = await stoppedFederation(hub, config)
    await assert.rejects(federation.peer_add({ hub: OTHER, addresses: [], body }), { code: 'bad_request' })
    await assert.rejects(federation.peer_import({ body: Buffer.from('{}') }), { code: 'bad_request' })
  }
  {
    await using hub = await openStopped(data, { config })
    const federation = await stoppedFederation(hub, config)
    await federation.peer_add({ hub: OTHER, addresses: [] })
    await assert.rejects(federation.treaty_edit({ hub: OTHER, body }), { code: 'bad_request' })
  }

  assert.deepEqual(await refusals(data), [
    ['local', 'admin/peer_add', 'deny', 'bad_request'],
    ['local', 'admin/treaty_edit', 'deny', 'bad_request']
  ])
})
