import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { peerPublicKey } from '../../federation/index.ts'
import { generateMinisign } from '../minisign.ts'
import { refusal } from '../refusal.fixture.ts'
import { EXIT } from '../setup-error.ts'
import { delegateOther, delegateOwn, rotateRoleKey } from './delegate.ts'
import { formatHubFile, hubFileOf, parseHubFile } from './hub-file.ts'
import { NOW, recorded, stoppedNode } from './identity.fixture.ts'
import { renewLink, rotateNodeKey } from './link-key.ts'
import { keyOverview } from './overview.ts'
import { readRevoked, revokeNodeKey } from './revoked.ts'
import { readRoleSigner } from './role-keys.ts'
import { type StoppedKeys, openKeys } from './stopped-keys.ts'
import { succeedHub } from './succeed.ts'

const hexOf = (peerId: string): string => Buffer.from(peerPublicKey(peerId) ?? []).toString('hex')

test('a revoked key is shown as such, is in the file for peers, and is recorded without its name', async t => {
  const data = await stoppedNode(t)
  const key = await during(data, async hub => {
    await rotateNodeKey(hub)
    const { statement } = await revokeNodeKey(hub, { key: hexOf(hub.keys.peerId), reason: 'stolen' })
    assert.equal((await recorded(hub.log, 'key_revocation')).length, 1)
    return statement.key
  })

  const states = (await keyOverview(data, NOW.nowMs)).delegations.map(({ state }) => state)
  const file = parseHubFile(formatHubFile(await hubFileOf(data, NOW.nowMs)))

  assert.deepEqual(states, ['revoked', 'in force'])
  assert.deepEqual(
    file.revocations.map(({ statement }) => [statement.key, statement.reason]),
    [[key, 'stolen']]
  )
})

test('nobody signs for a revoked key again, and each refusal says what to do', async t => {
  const data = await stoppedNode(t)
  const { peer, role } = await during(data, async hub => {
    const signed = await delegateOwn(hub, 'snapshot')
    const of = signed.statement.role === 'snapshot' ? signed.statement.key : ''
    await revokeNodeKey(hub, { key: hexOf(hub.keys.peerId) })
    return { peer: hub.keys.peerId, role: of }
  })
  await during(data, hub => revokeNodeKey(hub, { key: role }))

  await during(data, async hub => {
    await assert.rejects(renewLink(hub), refusal(EXIT.failed, /revoked; give the node another: key rotate/))
    await assert.rejects(delegateOwn(hub, 'snapshot'), refusal(EXIT.failed, /key rotate --role snapshot/))
    await assert.rejects(
      succeedHub(hub, { next: generateMinisign(), isKept: true }),
      refusal(EXIT.failed, /revoked; give the node another before/)
    )
    await rotateNodeKey(hub)
    await rotateRoleKey(hub, 'snapshot')
  })
  await during(data, async hub => {
    assert.notEqual(hub.keys.peerId, peer)
    await renewLink(hub)
    await delegateOwn(hub, 'snapshot')
  })
})

test('a key of a role is replaced, and a replacement that was cut short leaves the old one', async t => {
  const data = await stoppedNode(t)
  const path = join(data, 'keys/snapshot.key')
  const signer = async (hub: StoppedKeys) =>
    (await readRoleSigner(hub.folder.keys, 'snapshot', hub.keys.hubId))!
  await during(data, async hub => {
    await delegateOwn(hub, 'snapshot')
    const [old, before] = [readFileSync(path), await signer(hub)]

    await rotateRoleKey(hub, 'snapshot')
    const after = await signer(hub)
    writeFileSync(path, old)
    const cutShort = await signer(hub)
    await rotateRoleKey(hub, 'snapshot')

    assert.deepEqual(
      [before, after, cutShort, await signer(hub)].map(({ delegation }) => delegation.statement.epoch),
      [1, 2, 1, 3]
    )
  })
})

test('refuses to revoke twice, the hub key itself, and what is no key', async t => {
  const data = await stoppedNode(t)
  const key = await during(data, async hub => {
    await revokeNodeKey(hub, { key: hexOf(hub.keys.peerId) })
    return hexOf(hub.keys.peerId)
  })

  await during(data, async hub => {
    const hubKey = Buffer.from(hub.keys.hubPublicKey).toString('hex')
    await assert.rejects(revokeNodeKey(hub, { key }), refusal(EXIT.failed, /is revoked already/))
    await assert.rejects(revokeNodeKey(hub, { key: hubKey }), refusal(EXIT.usage, /key succeed/))
    await assert.rejects(revokeNodeKey(hub, { key: '00' }), refusal(EXIT.usage, /not an Ed25519 public key/))
  })
})

test('two nodes never get one key, whatever the roles', async t => {
  const data = await stoppedNode(t)
  await during(data, async hub => {
    const key = hexOf(hub.keys.peerId)
    await assert.rejects(
      delegateOther(hub, 'snapshot', { node: 'paris-2', key }),
      refusal(EXIT.failed, /is the key of node node1/)
    )
  })
})

test('names a damaged list of revoked keys', async t => {
  const data = await stoppedNode(t)
  await during(data, hub => revokeNodeKey(hub, { key: hexOf(hub.keys.peerId) }))
  const path = join(data, 'keys/revoked.ndjson')
  const text = readFileSync(path, 'utf8')
  const { keys } = await keyOverview(data, NOW.nowMs)

  for (const damaged of ['', '{}\n', text.trimEnd(), text.replace('"reason":""', '"reason":"no"')]) {
    writeFileSync(path, damaged)
    await assert.rejects(
      readRevoked(join(data, 'keys'), keys.hubId),
      refusal(EXIT.badInput, /revoked.ndjson: damaged/)
    )
  }
})

async function during<T>(data: string, use: (hub: StoppedKeys) => Promise<T>): Promise<T> {
  await using hub = await openKeys(data, NOW)
  return await use(hub)
}
