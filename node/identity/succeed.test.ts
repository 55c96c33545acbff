import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { learnSuccession } from '../../federation/index.ts'
import { AuditLog, verifyAudit } from '../audit/index.ts'
import { directClient } from '../capabilities/index.ts'
import { loadConfig } from '../config/index.ts'
import { openDataFolder } from '../data-folder.ts'
import { loadKeys } from '../keys.ts'
import { generateMinisign } from '../minisign.ts'
import { refusal } from '../refusal.fixture.ts'
import { EXIT } from '../setup-error.ts'
import { openStopped } from '../start/stopped.ts'
import { delegateOther, delegateOwn } from './delegate.ts'
import { NOW, recorded, stoppedNode } from './identity.fixture.ts'
import { keyOverview } from './overview.ts'
import { openKeys } from './stopped-keys.ts'
import { prepareSuccession, succeedHub } from './succeed.ts'
import { readSuccessions } from './successions.ts'

const OTHER_PEER = '12D3KooWDpJ7As7BWAwRMfu1VU2WCqNjvq387JEYKDBj4kx6nXTN'
const { config } = loadConfig()

test('a hub goes on under another key by the word of both, with the node key that it had', async t => {
  const data = await stoppedNode(t)
  const before = await loadKeys(join(data, 'keys'), NOW)
  const next = generateMinisign()

  const { succession } = await succeed(data, {
    next,
    isKept: true,
    reason: 'the old one was on a lost stick'
  })

  const after = await loadKeys(join(data, 'keys'), NOW)
  assert.deepEqual(after.hubPublicKey, next.secretKey.publicKey)
  assert.deepEqual([after.peerId, after.hubKey, after.delegation.statement.epoch], [before.peerId, 'here', 1])
  assert.equal(learnSuccession([], succession).verdict, 'new')
  assert.deepEqual(succession.statement, {
    at: NOW.nowMs / 1000,
    hub: before.hubId,
    reason: 'the old one was on a lost stick',
    successor: after.hubId
  })
  assert.deepEqual(await readSuccessions(join(data, 'keys')), [succession])
})

test('the audit log of the old hub ends with it, and that of the new one begins with it', async t => {
  const data = await stoppedNode(t)
  const { hubId } = await loadKeys(join(data, 'keys'), NOW)

  await succeed(data, { next: generateMinisign(), isKept: true })

  const keys = await loadKeys(join(data, 'keys'), NOW)
  const [logId = ''] = readdirSync(join(data, 'audit-before'))
  const old = join(data, 'audit-before', logId)
  const [oldVerdict, verdict] = [
    await verifyAudit(old, hubId),
    await verifyAudit(join(data, 'audit'), keys.hubId)
  ]
  assert.deepEqual([oldVerdict.ok, verdict.ok], [true, true])
  assert.equal(existsSync(join(old, 'log.key')), false)
  await using log = await AuditLog.open(join(data, 'audit'))
  const [entry] = await recorded(log, 'succession')
  assert.deepEqual(
    [entry?.['hub'], entry?.['successor'], entry?.['origin'], entry?.['size']],
    [hubId, keys.hubId, oldVerdict.origin, oldVerdict.entries]
  )
})

test('no root key and no revocation of before is there; kids go on', async t => {
  const data = await stoppedNode(t)
  {
    await using hub = await openStopped(data, { config })
    const operator = directClient(hub.capabilities)
    const { kid } = await operator.cap_mint({ verb: 'echo:call', tenant: 'default', peer: OTHER_PEER })
    await operator.cap_rotate({ grace_s: 60 })
    await operator.cap_revoke({ kid })
  }

  await succeed(data, { next: generateMinisign(), isKept: true })

  await using hub = await openStopped(data, { config })
  assert.deepEqual([hub.capabilities.keys.current, hub.capabilities.revocationSeq], [3, 0])
  const ring = JSON.parse(readFileSync(join(data, 'capabilities/root-keys.json'), 'utf8')) as {
    keys: object[]
  }
  assert.equal(ring.keys.length, 1)
  assert.equal(hub.capabilities.tenants().length, 1)
})

test('keys of other roles go along under the new word; nodes elsewhere are named', async t => {
  const data = await stoppedNode(t)
  let key: string
  {
    await using hub = await openKeys(data, NOW)
    const { statement } = await delegateOwn(hub, 'snapshot')
    key = statement.role === 'snapshot' ? statement.key : ''
    await delegateOther(hub, 'link', { node: 'paris-2', key: OTHER_PEER })
  }

  const { nodesElsewhere } = await succeed(data, { next: generateMinisign(), isKept: true })

  const { delegations, keys, unsigned } = await keyOverview(data, NOW.nowMs)
  assert.deepEqual(nodesElsewhere, ['paris-2'])
  assert.deepEqual(
    delegations.map(({ delegation: { statement } }) => [statement.role, statement.hub, statement.epoch]),
    ['link', 'revocation', 'snapshot'].map(role => [role, keys.hubId, 1])
  )
  assert.ok(delegations.some(({ delegation: { statement } }) => 'key' in statement && statement.key === key))
  assert.deepEqual(unsigned, [])
})

test('a key that is kept elsewhere stays there, and a second succession follows the first', async t => {
  const data = await stoppedNode(t)
  const [one, two] = [generateMinisign(), generateMinisign()]
  await succeed(data, { next: one, isKept: true })

  await succeed(data, { next: two, isKept: false })

  const { hubKey, hubPublicKey } = await loadKeys(join(data, 'keys'), NOW)
  const chain = await readSuccessions(join(data, 'keys'))
  assert.deepEqual([hubKey, hubPublicKey], ['elsewhere', two.secretKey.publicKey])
  assert.equal(chain[1]?.statement.hub, chain[0]?.statement.successor)
  assert.equal(readdirSync(join(data, 'hubs-before')).length, 2)
})

const MOVES: readonly (readonly [from: string, to: string])[] = [
  ['audit', 'audit-before/LOG'],
  ['succession/audit', 'audit'],
  ['capabilities', 'hubs-before/HUB/capabilities'],
  ['succession/capabilities', 'capabilities'],
  ['keys', 'hubs-before/HUB/keys'],
  ['succession/keys', 'keys']
]

for (let done = 0; done <= MOVES.length; done++) {
  test(`a crash after ${done} of ${MOVES.length} moves is made good at the next start`, async t => {
    const data = await stoppedNode(t)
    const next = generateMinisign()
    await (await openStopped(data, { config }))[Symbol.asyncDispose]()
    {
      await using hub = await openKeys(data, NOW)
      await prepareSuccession(hub, { next, isKept: true })
    }
    const plan = readFileSync(join(data, 'succession/plan.json'), 'utf8')
    const { hub: ended, log_id: logId } = JSON.parse(plan) as { hub: string; log_id: string }
    for (const [from, to] of MOVES.slice(0, done)) {
      const place = join(data, to.replace('LOG', logId).replace('HUB', ended))
      mkdirSync(join(place, '..'), { recursive: true })
      renameSync(join(data, from), place)
    }

    await using hub = await openStopped(data, { config })

    assert.deepEqual(hub.keys.hubPublicKey, next.secretKey.publicKey)
    assert.deepEqual(
      [readdirSync(join(data, 'hubs-before', ended)).sort(), readdirSync(join(data, 'audit-before'))],
      [['capabilities', 'keys'], [logId]]
    )
    assert.equal(existsSync(join(data, 'succession')), false)
    assert.equal(existsSync(join(data, 'audit-before', logId, 'log.key')), false)
  })
}

test('a crash before all is prepared leaves the old hub, and nothing beside it', async t => {
  const data = await stoppedNode(t)
  const { hubId } = await loadKeys(join(data, 'keys'), NOW)
  mkdirSync(join(data, '.new-succession-0011223344ff/keys'), { recursive: true })

  await using folder = await openDataFolder(data)

  assert.equal((await loadKeys(folder.keys, NOW)).hubId, hubId)
  assert.deepEqual(
    readdirSync(data).filter(name => name.includes('succession')),
    []
  )
})

test('a hub cannot succeed itself, nor without the key that ends', async t => {
  const data = await stoppedNode(t)
  {
    await using hub = await openKeys(data, NOW)
    const next = { secretKey: hub.hubKey, text: '' }
    await assert.rejects(
      succeedHub(hub, { next, isKept: true }),
      refusal(EXIT.usage, /cannot succeed itself/)
    )
  }
  renameSync(join(data, 'keys/hub.key'), join(data, 'elsewhere.key'))

  await assert.rejects(openKeys(data, NOW), refusal(EXIT.noInput, /--hub-key FILE/))
})

test('names a damaged plan or list of successions', async t => {
  const data = await stoppedNode(t)
  await succeed(data, { next: generateMinisign(), isKept: true })
  const list = join(data, 'keys/successions.ndjson')
  const text = readFileSync(list, 'utf8')
  for (const damaged of ['', '{}\n', text.trimEnd(), text.replace('"reason":""', '"reason":"no"')]) {
    writeFileSync(list, damaged)
    await assert.rejects(
      readSuccessions(join(data, 'keys')),
      refusal(EXIT.badInput, /successions.ndjson: damaged/)
    )
  }

  mkdirSync(join(data, 'succession'))
  writeFileSync(join(data, 'succession/plan.json'), '{"hub":"../..","log_id":"0011223344556677"}\n')
  await assert.rejects(openDataFolder(data), refusal(EXIT.badInput, /plan.json: damaged/))
})

async function succeed(data: string, next: Parameters<typeof succeedHub>[1]): ReturnType<typeof succeedHub> {
  await using hub = await openKeys(data, NOW)
  return await succeedHub(hub, next)
}
