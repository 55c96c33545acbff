import assert from 'node:assert/strict'
import { test } from 'node:test'
import { auditEvent } from '../audit/index.ts'
import type { EventData } from '../audit/index.ts'
import { NOW_S, OPERATOR, PEER, hubCapabilities } from './capabilities.fixture.ts'

test('every event is one that the audit log takes', async () => {
  const { hub, verify, events } = await hubCapabilities()
  const renewable = { verb: 'echo:call', tenant: 'default', peer: PEER, renew_until: NOW_S + 9000 }
  const by = { ...OPERATOR, corrId: '00000000000000ff' }

  const { token, capId } = await hub.mint({ ...renewable, subject: 'robot' }, by)
  await hub.rotate({}, by)
  await hub.renew(verify(token), PEER, '00000000000000ff')
  await hub.rotate({ breakGlass: true }, by)
  await hub.revoke({ cap_id: capId }, 'lost', by)
  await hub.revoke({ kid: 1 }, undefined, by)
  await hub.revoke({ subject: 'robot' }, 'sold', by)
  const { id } = await hub.addTenant({ name: 'paris' }, by)
  await hub.limitTenant(id, { limits: { burst: 5 } }, by)
  await hub.removeTenant(id, { purge: false }, by)
  await hub.removeTenant(id, { purge: true }, by)

  assert.equal(events.length, 12)
  for (const { type, actor, data, corrId } of events) {
    const { content } = auditEvent(
      type,
      actor,
      data as EventData<typeof type>,
      corrId === undefined ? {} : { corrId }
    )
    assert.deepEqual(content.data, data)
    assert.equal(content.corr_id, corrId)
  }
})
