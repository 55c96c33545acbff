import assert from 'node:assert/strict'
import { test } from 'node:test'
import { OPERATOR_CALL, capabilityAdmin } from './admin-handlers.ts'
import { PEER, hubCapabilities } from './capabilities.fixture.ts'

async function hubWithToken() {
  const { hub, pass } = await hubCapabilities()
  const admin = capabilityAdmin(hub)
  const { body, cap_id } = await admin.cap_mint(
    { verb: 'echo:call', tenant: 'default', peer: PEER },
    OPERATOR_CALL
  )
  const verdict = (asked: object = {}) =>
    admin.cap_verify({ verb: 'echo:call', peer: PEER, body: body!, ...asked }, OPERATOR_CALL)
  return { admin, pass, verdict, cap_id }
}

test('a token is good for what it names', async () => {
  const { verdict } = await hubWithToken()

  assert.deepEqual(await verdict(), { allowed: true })
})

test('the verdict is what a call would be answered with', async () => {
  const { verdict, admin, pass, cap_id } = await hubWithToken()
  const codes = async (asked?: object) => {
    const { allowed, code, reason } = await verdict(asked)
    return [allowed, code, reason]
  }

  assert.deepEqual(await codes({ verb: 'mailbox:send' }), [false, 'cap_denied', 'verb'])
  assert.deepEqual(await codes({ peer: 'another' }), [false, 'cap_denied', 'peer'])
  assert.deepEqual(await codes({ body: new Uint8Array(3) }), [false, 'cap_foreign', 'malformed'])
  await admin.cap_revoke({ cap_id }, OPERATOR_CALL)
  assert.deepEqual(await codes(), [false, 'cap_revoked', 'cap_id'])
  pass(3600)
  assert.equal((await codes())[0], false)
})
