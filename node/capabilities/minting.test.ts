import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { OapError } from '../../protocols/index.ts'
import { NOW_S, OPERATOR, PEER, hubCapabilities } from './capabilities.fixture.ts'
import { DEFAULT_MINT_POLICY, mintTerms } from './mint-policy.ts'
import type { MintRequest } from './mint-policy.ts'

const ECHO: MintRequest = { verb: 'echo:call', tenant: 'default', peer: PEER }

test('a token lasts 15 minutes unless something else is asked for', async () => {
  const { hub, tenant, verify, lines } = await hubCapabilities()

  const { token, ...minted } = await hub.mint(ECHO, OPERATOR)

  const { capId, kid, limits, subject, iat } = verify(token)
  assert.deepEqual(minted, { capId, kid, tenant: tenant.id, expires: NOW_S + 900 })
  assert.deepEqual([kid, subject, iat, limits.expires], [1, undefined, NOW_S, NOW_S + 900])
  assert.deepEqual(lines(token), ['verb = echo:call', `peer = ${PEER}`, `expires < ${NOW_S + 900}`])
})

test('a token says all that was asked for, and when it ends last of all', async () => {
  const { hub, lines, verify } = await hubCapabilities()

  const { token } = await hub.mint(
    {
      ...ECHO,
      verb: 'mailbox:send,mailbox:recv',
      topic: 'dispatch/*,a/**',
      app: '0x0201',
      content: 'bafy1',
      subject: 'robot-7',
      ttl_s: 60,
      not_before: NOW_S - 5,
      renew_until: NOW_S + 3600,
      rate: 10,
      streams: 2,
      max_bytes: 1000,
      read_only: true
    },
    OPERATOR
  )

  assert.equal(verify(token).subject, 'robot-7')
  assert.deepEqual(lines(token), [
    'verb = mailbox:send,mailbox:recv',
    'topic = dispatch/*,a/**',
    'app = 0x0201',
    'content = bafy1',
    `peer = ${PEER}`,
    `not-before > ${NOW_S - 5}`,
    'rate <= 10/s',
    'streams <= 2',
    'max-bytes <= 1000',
    `renew-until < ${NOW_S + 3600}`,
    'read-only',
    `expires < ${NOW_S + 60}`
  ])
})

test('a bearer token is made only when it is asked for by that word', async () => {
  const { hub, verify } = await hubCapabilities()
  const { peer: _, ...nobody } = ECHO

  await assert.rejects(hub.mint(nobody, OPERATOR), refusal('bad_request', /peer: name the peer .* bearer/))
  await assert.rejects(hub.mint({ ...ECHO, bearer: true }, OPERATOR), refusal('bad_request', /bearer/))
  const { token } = await hub.mint({ ...nobody, bearer: true }, OPERATOR)

  assert.equal(verify(token).limits.peer, undefined)
})

test('no token lasts longer than a day, unless the configuration allows it', () => {
  const day = 24 * 3600
  const terms = (ttl_s: number, maxTtlS = day) =>
    mintTerms({ ...ECHO, ttl_s }, NOW_S, { ...DEFAULT_MINT_POLICY, maxTtlS })

  assert.equal(terms(day).expires, NOW_S + day)
  assert.throws(() => terms(day + 1), refusal('bad_request', /ttl_s: from 1 to 86400; the configuration/))
  assert.equal(terms(2 * day, 2 * day).expires, NOW_S + 2 * day)
  for (const ttl of [0, -1, 1.5]) assert.throws(() => terms(ttl), refusal('bad_request', /ttl_s/))
})

test('the default life is cut down to the longest that is allowed', () => {
  assert.equal(mintTerms(ECHO, NOW_S, { ...DEFAULT_MINT_POLICY, maxTtlS: 60 }).ttlS, 60)
})

test('renewal is promised to one peer alone, for a time that has not passed and is not too far', () => {
  const terms = (request: Partial<MintRequest>) =>
    mintTerms({ ...ECHO, ...request }, NOW_S, DEFAULT_MINT_POLICY)
  const { peer: _, ...bearer } = { ...ECHO, bearer: true }

  assert.throws(
    () => mintTerms({ ...bearer, renew_until: NOW_S + 9 }, NOW_S, DEFAULT_MINT_POLICY),
    refusal('bad_request', /renew_until: only a token that is bound to a peer/)
  )
  for (const renew_until of [0, NOW_S, NOW_S + 367 * 86_400])
    assert.throws(() => terms({ renew_until }), refusal('bad_request', /renew_until/))
  assert.equal(terms({ renew_until: NOW_S + 1 }).expires, NOW_S + 900)
})

test('a wrong member is named', async () => {
  const { hub } = await hubCapabilities()
  const wrong: readonly (readonly [RegExp, Partial<MintRequest>])[] = [
    [/^verb: /, { verb: '' }],
    [/^verb: /, { verb: 'echo' }],
    [/^verb: /, { verb: 'echo:call, echo:call' }],
    [/^topic: /, { topic: 'a*' }],
    [/^app: /, { app: '513' }],
    [/^content: /, { content: 'a/b' }],
    [/^peer: /, { peer: 'me!' }],
    [/^subject: /, { subject: 'two words' }],
    [/^not_before: /, { not_before: -1 }],
    [/^rate: /, { rate: 0 }],
    [
      /^this would not be a token: /,
      { topic: Array.from({ length: 300 }, () => 'aaaaaaaaaaaaaaa').join(',') }
    ]
  ]

  for (const [message, member] of wrong)
    await assert.rejects(hub.mint({ ...ECHO, ...member }, OPERATOR), refusal('bad_request', message))
})

test('no text in a request becomes a caveat of its own', () => {
  const member = fc.constantFrom('verb', 'topic', 'app', 'content', 'peer')
  fc.assert(
    fc.property(member, fc.string({ unit: 'binary' }), (name, text) => {
      const request = { ...ECHO, [name]: text }
      try {
        const { caveats } = mintTerms(request, NOW_S, DEFAULT_MINT_POLICY)
        assert.equal(caveats.filter(({ key }) => key === name).length, 1)
        assert.equal(caveats.length, name === 'verb' || name === 'peer' ? 3 : 4)
      } catch (error) {
        assert.ok(error instanceof OapError)
      }
    })
  )
})

test('there is no token for a tenant that is unknown or was removed', async () => {
  const { hub, tenant, events } = await hubCapabilities()
  const recorded = events.length

  for (const id of ['nobody', '6e5a8a06-0000-4000-8000-000000000000', ''])
    await assert.rejects(hub.mint({ ...ECHO, tenant: id }, OPERATOR), refusal('not_found', /tenant/))
  await hub.removeTenant(tenant.id, { purge: false }, OPERATOR)
  await assert.rejects(hub.mint(ECHO, OPERATOR), refusal('not_found', /was removed/))

  assert.deepEqual(
    events.slice(recorded).map(({ type }) => type),
    ['tenant']
  )
})

test('what is recorded of a token is not the token', async () => {
  const { hub, tenant, events } = await hubCapabilities()

  const { token, capId } = await hub.mint(
    { ...ECHO, subject: 'robot-7', topic: 'secret/plan' },
    { actor: 'local', corrId: '0'.repeat(16) }
  )

  const event = events.at(-1)!
  assert.deepEqual(
    { ...event, data: { ...event.data, caveats_sha256: '' } },
    {
      type: 'mint',
      actor: 'local',
      corrId: '0'.repeat(16),
      data: {
        cap_id: capId,
        kid: 1,
        tenant: tenant.id,
        expires_s: NOW_S + 900,
        bearer: false,
        caveats: 4,
        caveats_sha256: ''
      }
    }
  )
  const text = JSON.stringify([event, hub.list()])
  for (const secret of [Buffer.from(token).toString('base64url').slice(-20), 'robot-7', 'secret/plan', PEER])
    assert.equal(text.includes(secret), false, secret)
})

test('nobody gets a token that could not be recorded', async () => {
  const { hub, audit } = await hubCapabilities()
  audit.record = () => Promise.reject(new Error('the log is full'))

  await assert.rejects(hub.mint(ECHO, OPERATOR), /the log is full/)
})

test('lists the rights that have a living token, the one that ends first first', async () => {
  const { hub, pass } = await hubCapabilities()
  const long = await hub.mint({ ...ECHO, ttl_s: 100 }, OPERATOR)
  const short = await hub.mint({ ...ECHO, verb: 'a:b,c:d', ttl_s: 50 }, OPERATOR)

  const before = hub.list()
  pass(50)
  const after = hub.list()

  assert.deepEqual(
    before.map(({ capId, verbs, expires }) => [capId, verbs, expires]),
    [
      [short.capId, ['a:b', 'c:d'], NOW_S + 50],
      [long.capId, ['echo:call'], NOW_S + 100]
    ]
  )
  assert.deepEqual(
    after.map(({ capId }) => capId),
    [long.capId]
  )
})

function refusal(code: string, message: RegExp) {
  return (error: unknown) => {
    assert.ok(error instanceof OapError, String(error))
    assert.equal(error.code, code)
    assert.match(error.message, message)
    return true
  }
}
