import assert from 'node:assert/strict'
import { test } from 'node:test'
import { OapError, attenuate, decodeToken, encodeToken, tenantBytes } from '../../../protocols/index.ts'
import { NOW_S, OPERATOR, PEER, hubCapabilities } from '../../capabilities/capabilities.fixture.ts'
import { HUB } from '../../capabilities/revocation.fixture.ts'
import { nodeMacaroonCrypto } from '../../macaroon-crypto.ts'
import { capabilityCallers } from './capability-callers.ts'

const APP = 0x0701

async function given({ trustsAll = false } = {}) {
  const { hub, verify, pass, nowS } = await hubCapabilities()
  const callers = capabilityCallers({
    hub: HUB,
    tenantId: tenantBytes(hub.tenant('default').id)!,
    app: APP,
    tokens: { verify },
    withdrawal: token => (trustsAll ? undefined : hub.withdrawal(token)),
    now: () => 0,
    seconds: nowS
  })
  const shown = async (request: object): Promise<ReturnType<typeof callers.judge>> =>
    callers.judge(await text(request))
  const text = async (request: object): Promise<string> => {
    const wanted = { verb: 'ams:write', tenant: 'default', bearer: true, ...request }
    return Buffer.from((await hub.mint(wanted, OPERATOR)).token).toString('base64url')
  }
  return { hub, callers, shown, text, pass }
}

const ROLES = [
  ['ams:read', 'read', false],
  ['ams:write', 'write', false],
  ['ams:read,ams:write', 'write', false],
  ['ams:admin', 'admin', true],
  ['ams:write,ams:moderate', 'write', true]
] as const

for (const [verb, role, isModerator] of ROLES)
  test(`who may ${verb} is a caller of the role ${role}`, async () => {
    const { shown } = await given()

    const judged = await shown({ verb })

    assert.ok(judged !== undefined && 'caller' in judged)
    assert.match(judged.caller.name, /^cap:[0-9a-f]{32}$/)
    assert.deepEqual([judged.caller.role, judged.caller.isModerator], [role, isModerator])
  })

test('a capability is told with its caller, and with what it allows a second', async () => {
  const { shown } = await given()

  const judged = await shown({ rate: 5 })

  assert.ok(judged !== undefined && 'token' in judged)
  assert.deepEqual(
    judged.token?.limits.rates.map(({ most }) => most),
    [5]
  )
})

test('one that is read-only reads, whatever else it allows', async () => {
  const { shown } = await given()

  const judged = await shown({ verb: 'ams:read,ams:write', read_only: true })

  assert.ok(judged !== undefined && 'caller' in judged)
  assert.equal(judged.caller.role, 'read')
})

const REFUSED = [
  ['another verb', { verb: 'mailbox:send' }, /verb/],
  ['one peer', { peer: PEER, bearer: false }, /peer/],
  ['some topics', { topic: 'a/*' }, /topic/],
  ['another app', { app: '0x0201' }, /app/],
  ['bytes', { max_bytes: 1000 }, /max-bytes/],
  ['a later time', { not_before: NOW_S + 3600 }, /not-before/]
] as const

for (const [what, request, message] of REFUSED)
  test(`one for ${what} lets nobody in`, async () => {
    const { shown } = await given()

    const judged = await shown(request)

    assert.ok(judged !== undefined && 'problem' in judged)
    assert.match(judged.problem, message)
  })

test('one of this app is taken', async () => {
  const { shown } = await given()

  assert.ok('caller' in (await shown({ app: '0x0701' }))!)
})

test('one that stands for a right of another hub lets nobody in', async () => {
  const { callers, text } = await given({ trustsAll: true })
  const token = decodeToken(Buffer.from(await text({}), 'base64url'))
  const origin = { key: 'origin', value: { hub: HUB, capId: 'ab'.repeat(16) } } as const
  const narrowed = attenuate(nodeMacaroonCrypto, token.macaroon, [origin])

  const judged = callers.judge(
    Buffer.from(encodeToken({ ...token, macaroon: narrowed })).toString('base64url')
  )

  assert.ok(judged !== undefined && 'problem' in judged)
  assert.match(judged.problem, /another hub/)
})

test('one of another tenant lets nobody in', async () => {
  const { hub, callers, text } = await given()
  await hub.addTenant({ name: 'another' }, OPERATOR)

  const judged = callers.judge(await text({ tenant: 'another' }))

  assert.ok(judged !== undefined && 'problem' in judged)
  assert.match(judged.problem, /tenant/)
})

test('one that has expired, was revoked or was changed lets nobody in', async () => {
  const { hub, callers, text, pass } = await given()
  const [old, revoked] = [await text({ ttl_s: 60 }), await text({})]
  const judged = callers.judge(revoked)
  assert.ok(judged !== undefined && 'caller' in judged)

  await hub.revoke({ cap_id: judged.caller.name.slice(4) }, 'was shown around', OPERATOR)
  pass(200)

  const bytes = Buffer.from(await text({}), 'base64url')
  bytes[bytes.length - 1]! ^= 1
  for (const shown of [old, revoked, bytes.toString('base64url')])
    assert.ok('problem' in callers.judge(shown)!, shown.slice(0, 8))
})

test('what is no capability is nothing here, or says that it is malformed', async () => {
  const { callers } = await given()

  for (const text of ['', 'with spaces', 'a+b/c==', 'ä', 'a'.repeat(100_000)])
    assert.equal(callers.judge(text), undefined)
  for (const text of ['a', 'AgEC', 'ams_abc'.padEnd(47, 'x')])
    assert.ok('problem' in callers.judge(text)!, text)
})

test('an error that is none of the token is nobody it hides', () => {
  const callers = capabilityCallers({
    hub: HUB,
    tenantId: new Uint8Array(16),
    app: APP,
    tokens: {
      verify() {
        throw new TypeError('a fault of this program')
      }
    },
    withdrawal: () => new OapError('cap_revoked'),
    now: () => 0,
    seconds: () => NOW_S
  })

  assert.throws(() => callers.judge('AAAA'), TypeError)
})
