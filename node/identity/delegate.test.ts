import assert from 'node:assert/strict'
import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { type Role, authorityProblem, publicBytes, signingKey } from '../../federation/index.ts'
import { refusal } from '../refusal.fixture.ts'
import { EXIT } from '../setup-error.ts'
import { delegateOther, delegateOwn } from './delegate.ts'
import { NOW, recorded, stoppedNode } from './identity.fixture.ts'
import { keyOverview } from './overview.ts'
import { readRoleDelegations, readRoleKey } from './role-keys.ts'
import { openKeys } from './stopped-keys.ts'

const OTHER_PEER = '12D3KooWDpJ7As7BWAwRMfu1VU2WCqNjvq387JEYKDBj4kx6nXTN'
const OTHER_KEY = Buffer.from(publicBytes(signingKey(new Uint8Array(32).fill(7)))).toString('hex')
const DAY_S = 86_400

for (const role of ['message', 'receipt', 'witness', 'snapshot', 'manifest'] as const) {
  test(`signs for the key of ${role}, which is made once, under growing epochs`, async t => {
    const data = await stoppedNode(t)
    await using hub = await openKeys(data, NOW)

    const first = await delegateOwn(hub, role, { days: 30 })
    const second = await delegateOwn(hub, role)

    const key = await readRoleKey(hub.folder.keys, role)
    const kept = await readRoleDelegations(hub.folder.keys, role, hub.keys.hubId)
    assert.deepEqual(kept, [first, second])
    assert.deepEqual(
      kept.map(({ statement }) => [statement.epoch, statement.key]),
      [1, 2].map(epoch => [epoch, Buffer.from(key!.publicKey).toString('hex')])
    )
    assert.equal(first.statement.not_after - first.statement.not_before, 30 * DAY_S)
    assert.equal(authorityProblem(second), undefined)
    assert.equal((await recorded(hub.log, 'delegation')).length, 2)
  })
}

test('signs for the key of the audit log, also in the form that stands beside the log', async t => {
  const data = await stoppedNode(t)
  const beside = join(data, 'audit/delegation.json')
  const file = join(data, '..', 'hub.key')
  {
    await using hub = await openKeys(data, NOW)
    await hub.log.checkpoint()
  }
  rmSync(beside)
  renameSync(join(data, 'keys/hub.key'), file)

  assert.deepEqual((await keyOverview(data, NOW.nowMs)).unsigned, ['log'])
  await using hub = await openKeys(data, { ...NOW, hubKey: { file } })
  const { statement } = await delegateOwn(hub, 'log')

  assert.deepEqual([statement.role, statement.epoch, existsSync(beside)], ['log', 1, true])
  assert.deepEqual((await keyOverview(data, NOW.nowMs)).unsigned, [])
})

test('signs for the key of revocations once; after that it is replaced instead', async t => {
  const data = await stoppedNode(t)
  await using hub = await openKeys(data, NOW)

  const { statement } = await delegateOwn(hub, 'revocation')

  assert.deepEqual([statement.role, statement.epoch], ['revocation', 1])
  await assert.rejects(
    delegateOwn(hub, 'revocation'),
    refusal(EXIT.failed, /already; .*cap rotate --revocation-key/)
  )
})

test('signs for keys of another node, each role under epochs of its own', async t => {
  const data = await stoppedNode(t)
  await using hub = await openKeys(data, NOW)

  const signed = [
    await delegateOther(hub, 'link', { node: 'paris-2', key: OTHER_PEER }),
    await delegateOther(hub, 'snapshot', { node: 'paris-2', key: OTHER_KEY }),
    await delegateOther(hub, 'link', { node: 'paris-2', key: OTHER_PEER })
  ]

  assert.deepEqual(
    signed.map(({ statement: { role, node, epoch } }) => [role, node, epoch]),
    [
      ['link', 'paris-2', 1],
      ['snapshot', 'paris-2', 1],
      ['link', 'paris-2', 2]
    ]
  )
  const { delegations } = await keyOverview(data, NOW.nowMs)
  assert.deepEqual(
    delegations.map(({ delegation: { statement }, state }) => [statement.node, statement.role, state]),
    [
      ['node1', 'link', 'in force'],
      ['paris-2', 'link', 'superseded'],
      ['paris-2', 'snapshot', 'in force'],
      ['paris-2', 'link', 'in force']
    ]
  )
})

test('two nodes never get one key', async t => {
  const data = await stoppedNode(t)
  await using hub = await openKeys(data, NOW)
  const own = await delegateOwn(hub, 'snapshot')
  await delegateOther(hub, 'link', { node: 'paris-2', key: OTHER_PEER })

  const shared: readonly (readonly [Role, string, RegExp])[] = [
    ['link', hub.keys.peerId, /is the key of node node1, and two nodes never share one/],
    ['snapshot', own.statement.role === 'snapshot' ? own.statement.key : '', /of node node1/],
    ['link', OTHER_PEER, /of node paris-2/]
  ]
  for (const [role, key, says] of shared)
    await assert.rejects(delegateOther(hub, role, { node: 'oslo-3', key }), refusal(EXIT.failed, says))
  assert.equal((await recorded(hub.log, 'delegation')).length, 2)
})

test('refuses what is no key of the role, and this node under the name of another', async t => {
  const data = await stoppedNode(t)
  await using hub = await openKeys(data, NOW)

  const wrong: readonly (readonly [Role, string, string, RegExp])[] = [
    ['link', 'paris-2', OTHER_KEY, /--peer: not the peer id/],
    ['link', 'paris-2', 'x'.repeat(10_000), /--peer: not the peer id/],
    ['snapshot', 'paris-2', OTHER_PEER, /--key: not an Ed25519 public key/],
    ['snapshot', 'paris-2', '0'.repeat(64), /--key: not an Ed25519 public key/],
    ['link', 'node1', OTHER_PEER, /is this node/]
  ]
  for (const [role, node, key, says] of wrong)
    await assert.rejects(delegateOther(hub, role, { node, key }), refusal(EXIT.usage, says))
})

test('names a damaged file of delegations', async t => {
  const data = await stoppedNode(t)
  {
    await using hub = await openKeys(data, NOW)
    await delegateOwn(hub, 'snapshot')
    await delegateOther(hub, 'link', { node: 'paris-2', key: OTHER_PEER })
  }
  for (const name of ['snapshot.json', 'others.ndjson']) {
    const path = join(data, 'keys', name)
    const text = readFileSync(path, 'utf8')
    for (const damaged of ['', 'x', text.trimEnd(), text.replace('"epoch":1', '"epoch":2'), '{}\n']) {
      writeFileSync(path, damaged)
      await assert.rejects(
        keyOverview(data, NOW.nowMs),
        refusal(EXIT.badInput, new RegExp(`${name}: damaged`))
      )
    }
    writeFileSync(path, text)
  }
})

test('tells what holds at a time', async t => {
  const data = await stoppedNode(t)
  {
    await using hub = await openKeys(data, NOW)
    await delegateOwn(hub, 'snapshot', { days: 1 })
  }

  const at = async (ms: number) => (await keyOverview(data, NOW.nowMs + ms)).delegations.map(row => row.state)

  assert.deepEqual(await at(0), ['in force', 'in force'])
  assert.deepEqual(await at(2 * DAY_S * 1000), ['in force', 'expired'])
  assert.deepEqual(await at(-DAY_S * 1000), ['not yet', 'not yet'])
})
