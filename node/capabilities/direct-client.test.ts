import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PEER, hubCapabilities } from './capabilities.fixture.ts'
import { directClient } from './direct-client.ts'

test('does what the operator of a running node can do', async () => {
  const { hub, events } = await hubCapabilities()
  const client = directClient(hub)

  const { body, cap_id } = await client.cap_mint({ verb: 'echo:call', tenant: 'default', peer: PEER })
  const verdict = await client.cap_verify({ verb: 'echo:call', peer: PEER, body: body! })
  const listed: string[] = []
  for await (const row of await client.cap_list({})) listed.push(row.cap_id)

  assert.deepEqual(verdict, { allowed: true })
  assert.deepEqual(listed, [cap_id])
  assert.deepEqual(events.at(-1)?.actor, 'local')
})

test('refuses what the socket would refuse', async () => {
  const { hub } = await hubCapabilities()
  const client = directClient(hub)

  await assert.rejects(client.cap_revoke({ kid: 0 }), { code: 'bad_request', message: /^kid: / })
  await assert.rejects(client.tenant_add({ name: 'x'.repeat(64) }), { code: 'bad_request' })
  await assert.rejects(client.tenant_show({} as never), { code: 'bad_request', message: 'tenant: missing' })
})
