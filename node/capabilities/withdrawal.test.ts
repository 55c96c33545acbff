import assert from 'node:assert/strict'
import { test } from 'node:test'
import { OapError } from '../../protocols/index.ts'
import { NOW_S, OPERATOR, PEER, hubCapabilities } from './capabilities.fixture.ts'
import type { MintRequest } from './mint-policy.ts'

const ECHO: MintRequest = { verb: 'echo:call', tenant: 'default', peer: PEER }

test('a right, a subject and a root key that were revoked are refused, each by its name', async () => {
  const { hub, verify } = await hubCapabilities()
  const right = verify((await hub.mint(ECHO, OPERATOR)).token)
  const robot = verify((await hub.mint({ ...ECHO, subject: 'robot' }, OPERATOR)).token)
  const other = verify((await hub.mint(ECHO, OPERATOR)).token)
  await hub.rotate({}, OPERATOR)

  await hub.revoke({ cap_id: right.capId }, 'lost', OPERATOR)
  await hub.revoke({ subject: 'robot' }, undefined, OPERATOR)
  const before = [right, robot, other].map(token => hub.withdrawal(token))
  await hub.revoke({ kid: 1 }, undefined, OPERATOR)

  assert.equal(before[2], undefined)
  assert.deepEqual(
    [...before.slice(0, 2), hub.withdrawal(other)].map(error => [error?.code, error?.status, error?.reason]),
    [
      ['cap_revoked', 401, 'cap_id'],
      ['cap_revoked', 401, 'subject'],
      ['cap_revoked', 401, 'kid']
    ]
  )
})

test('each revocation is recorded by commitments to its words, and moves the sequence of HELLO', async () => {
  const { hub, events } = await hubCapabilities()

  await hub.revoke({ subject: 'alice' }, 'she left', { actor: 'local', corrId: 'ab'.repeat(8) })
  const again = await hub.revoke({ subject: 'alice' }, undefined, OPERATOR)

  const [first, second] = events.slice(-2)
  assert.equal(hub.revocationSeq, 1)
  assert.equal(again, 0)
  assert.deepEqual([first?.type, first?.actor, first?.corrId], ['revoke', 'local', 'ab'.repeat(8)])
  assert.deepEqual(Object.keys(first?.data ?? {}).sort(), [
    'reason_sha256',
    'revocation_seq',
    'subject_sha256'
  ])
  assert.deepEqual(Object.keys(second?.data ?? {}).sort(), ['revocation_seq', 'subject_sha256'])
  assert.doesNotMatch(JSON.stringify(events), /alice|she left/)
})

test('the root key that mints cannot be revoked before it is rotated', async () => {
  const { hub } = await hubCapabilities()

  for (const kid of [1, 2])
    await assert.rejects(hub.revoke({ kid }, undefined, OPERATOR), refusal('conflict', /rotate first/))

  assert.equal(hub.revocationSeq, 0)
})

test('tokens from before a rotation are good until its grace is over, without a restart', async () => {
  const { hub, verify, pass, events } = await hubCapabilities()
  const { token } = await hub.mint({ ...ECHO, ttl_s: 3600 }, OPERATOR)
  const held = verify(token)

  const rotation = await hub.rotate({ graceMs: 60_000 }, OPERATOR)
  pass(59)
  const during = hub.withdrawal(verify(token))
  pass(1)

  assert.deepEqual(rotation, { kid: 2, previous: 1, graceUntil: (NOW_S + 60) * 1000 })
  assert.equal(during, undefined)
  assert.equal(hub.withdrawal(held)?.code, 'cap_expired')
  assert.throws(() => verify(token), refusal('cap_expired', /retired/))
  assert.deepEqual(events.at(-1)?.data, { kid: 2, previous: 1, grace_s: 60, break_glass: false })
})

test('breaking the glass ends every token at once', async () => {
  const { hub, verify, events } = await hubCapabilities()
  const old = await hub.mint(ECHO, OPERATOR)
  await hub.rotate({}, OPERATOR)
  const newer = verify((await hub.mint(ECHO, OPERATOR)).token)

  await hub.rotate({ breakGlass: true }, OPERATOR)
  const fresh = await hub.mint(ECHO, OPERATOR)

  assert.throws(() => verify(old.token), refusal('cap_expired', /retired/))
  assert.equal(hub.withdrawal(newer)?.reason, 'kid')
  assert.equal(hub.withdrawal(verify(fresh.token)), undefined)
  assert.deepEqual(events.at(-2)?.data, { kid: 3, previous: 2, grace_s: 0, break_glass: true })
})

test('rotations that are asked for at once come one after the other', async () => {
  const { hub } = await hubCapabilities()

  const rotations = await Promise.all([1, 2, 3].map(() => hub.rotate({}, OPERATOR)))

  assert.deepEqual(
    rotations.map(({ kid }) => kid),
    [2, 3, 4]
  )
})

test('whoever listens hears of a revocation, a rotation and a tenant that goes, before they are answered', async () => {
  const { hub, audit } = await hubCapabilities()
  let heard = 0
  const stop = hub.onWithdrawal(() => heard++)
  audit.record = () => new Promise(() => {})

  void hub.revoke({ subject: 'x' }, undefined, OPERATOR)
  await turns()
  assert.equal(heard, 1)
  stop()

  const other = await hubCapabilities()
  const seen: string[] = []
  other.hub.onWithdrawal(() => seen.push('withdrawn'))
  await other.hub.rotate({ breakGlass: true }, OPERATOR)
  await other.hub.removeTenant('default', { purge: false }, OPERATOR)
  await other.hub.addTenant({ name: 'new' }, OPERATOR)
  await other.hub.mint({ ...ECHO, tenant: 'new' }, OPERATOR)

  assert.deepEqual(seen, ['withdrawn', 'withdrawn'])
})

test('what was revoked is refused although it could not be recorded', async () => {
  const { hub, audit, verify } = await hubCapabilities()
  const token = verify((await hub.mint(ECHO, OPERATOR)).token)
  audit.record = () => Promise.reject(new Error('the log is full'))

  await assert.rejects(hub.revoke({ cap_id: token.capId }, undefined, OPERATOR), /the log is full/)

  assert.equal(hub.withdrawal(token)?.code, 'cap_revoked')
})

test('no token of a removed tenant is good, until it is brought back', async () => {
  const { hub, tenant, verify } = await hubCapabilities()
  const token = verify((await hub.mint(ECHO, OPERATOR)).token)

  await hub.removeTenant('default', { purge: false }, OPERATOR)
  const gone = hub.withdrawal(token)
  await hub.addTenant({ name: 'again', id: tenant.id }, OPERATOR)

  assert.deepEqual([gone?.code, gone?.reason], ['cap_revoked', 'tenant'])
  assert.equal(hub.withdrawal(token), undefined)
})

test('a purged tenant leaves no right in the list, and its id is never used again', async () => {
  const { hub, tenant, verify, events } = await hubCapabilities()
  const token = verify((await hub.mint(ECHO, OPERATOR)).token)

  const removed = await hub.removeTenant('default', { purge: true }, OPERATOR)

  assert.deepEqual([removed.name, removed.state], ['default', 'purged'])
  assert.deepEqual(hub.list(), [])
  assert.deepEqual(hub.tenants(), [])
  assert.equal(hub.withdrawal(token)?.reason, 'tenant')
  await assert.rejects(
    hub.addTenant({ name: 'x', id: tenant.id }, OPERATOR),
    refusal('conflict', /never used again/)
  )
  assert.deepEqual(
    events
      .filter(({ type }) => type === 'tenant')
      .map(({ actor, data }) => [actor, 'change' in data && data.change]),
    [
      ['node', 'add'],
      ['local', 'purge']
    ]
  )
})

test('gives statements in pages, with the newest sequence', async () => {
  const { hub } = await hubCapabilities()
  for (let i = 0; i < 40; i++) await hub.revoke({ subject: `s${i}` }, undefined, OPERATOR)

  const first = hub.revocationsFrom(0)
  const second = hub.revocationsFrom(first.statements.at(-1)!.statement.seq)

  assert.deepEqual([first.seq, first.statements.length, second.statements.length], [40, 32, 8])
  assert.deepEqual(second.statements.at(-1)?.statement.revoke, { subject: 's39' })
  assert.equal(hub.revocationsFrom(40).statements.length, 0)
})

test('forgets by and by what has run out', async () => {
  const { hub, minted, pass } = await hubCapabilities()
  await hub.mint({ ...ECHO, ttl_s: 60 }, OPERATOR)
  await hub.rotate({ graceMs: 60_000 }, OPERATOR)

  let heard = 0
  hub.onWithdrawal(() => heard++)

  pass(60)
  await hub.tidy()
  await hub.tidy()

  assert.equal(minted.size, 0)
  assert.equal(heard, 1)
  assert.equal(hub.keys.chainKey(1), undefined)
})

/** Lets what is under way in memory go on to where it waits for something else. */
async function turns(): Promise<void> {
  for (let i = 0; i < 20; i++) await Promise.resolve()
}

function refusal(code: string, message: RegExp) {
  return (error: unknown) => {
    assert.ok(error instanceof OapError, String(error))
    assert.equal(error.code, code)
    assert.match(error.message, message)
    return true
  }
}
