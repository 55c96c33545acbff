import assert from 'node:assert/strict'
import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { delegationProblem } from '../../federation/index.ts'
import { openDataFolder } from '../data-folder.ts'
import { loadKeys } from '../keys.ts'
import { lastBeforeKilled } from '../killed.fixture.ts'
import { endsSoon } from '../link-delegations.ts'
import { refusal } from '../refusal.fixture.ts'
import { EXIT } from '../setup-error.ts'
import { NOW, recorded, stoppedNode } from './identity.fixture.ts'
import { renewLink, rotateNodeKey } from './link-key.ts'
import { openKeys } from './stopped-keys.ts'

const YEAR_MS = 365 * 86_400_000

test('a new node key is another peer with the word of the same hub, under the next epoch', async t => {
  const data = await stoppedNode(t)
  const before = await loadKeys(join(data, 'keys'), NOW)

  await rotate(data)

  const after = await loadKeys(join(data, 'keys'), NOW)
  assert.equal(after.hubId, before.hubId)
  assert.notEqual(after.peerId, before.peerId)
  assert.deepEqual(
    after.delegations.map(({ statement: { peer_id, epoch } }) => [peer_id, epoch]),
    [
      [before.peerId, 1],
      [after.peerId, 2]
    ]
  )
  for (const delegation of after.delegations)
    assert.equal(delegationProblem(delegation, NOW.nowMs / 1000), undefined)
})

test('each rotation is recorded with commitments, not with keys or names', async t => {
  const data = await stoppedNode(t)

  await rotate(data)
  await rotate(data)

  await using hub = await openKeys(data, NOW)
  const entries = await recorded(hub.log, 'delegation')
  assert.deepEqual(
    entries.map(({ role, epoch }) => [role, epoch]),
    [
      ['link', 2],
      ['link', 3]
    ]
  )
  assert.doesNotMatch(JSON.stringify(entries), /node1|12D3KooW/)
})

test('a rotation that was cut short leaves the old key, and its epoch is not used again', async t => {
  const data = await stoppedNode(t)
  const [node, links] = [join(data, 'keys/node.key'), join(data, 'keys/delegation.json')]
  const [oldKey, before] = [readFileSync(node), await loadKeys(join(data, 'keys'), NOW)]
  await rotate(data)
  writeFileSync(node, oldKey)

  const between = await loadKeys(join(data, 'keys'), NOW)
  await rotate(data)

  assert.deepEqual([between.peerId, between.delegation.statement.epoch], [before.peerId, 1])
  const after = await loadKeys(join(data, 'keys'), NOW)
  assert.deepEqual(
    after.delegations.map(({ statement }) => statement.epoch),
    [1, 3]
  )
  assert.equal(readFileSync(links, 'utf8').split('\n').length, 3)
})

test('a process that is killed while it rotates leaves keys that belong together', async t => {
  const data = await stoppedNode(t)
  const script = `
    import { openKeys } from '${new URL('stopped-keys.ts', import.meta.url)}'
    import { rotateNodeKey } from '${new URL('link-key.ts', import.meta.url)}'
    for (;;) {
      await using hub = await openKeys(${JSON.stringify(data)}, ${JSON.stringify(NOW)})
      const { now } = await rotateNodeKey(hub)
      console.log(now.statement.epoch)
    }`

  const told = await lastBeforeKilled(script, 5)

  // Whoever takes the folder removes what the killed process left unfinished.
  await using folder = await openDataFolder(data)
  const { delegation } = await loadKeys(folder.keys, NOW)
  assert.ok(delegation.statement.epoch >= told)
})

test('keeps the delegations of the newest keys when there have been many', async t => {
  const data = await stoppedNode(t)

  for (let n = 0; n < 34; n++) await rotate(data)

  const { delegations } = await loadKeys(join(data, 'keys'), NOW)
  assert.deepEqual([delegations.length, delegations.at(-1)!.statement.epoch], [32, 35])
})

test('an expired delegation is no obstacle to signing a new one, after which the node starts', async t => {
  const data = await stoppedNode(t)
  const later = { nowMs: NOW.nowMs + 11 * YEAR_MS }
  await assert.rejects(
    loadKeys(join(data, 'keys'), later),
    refusal(EXIT.badInput, /key delegate --role link/)
  )

  {
    await using hub = await openKeys(data, later)
    await renewLink(hub, { days: 30 })
  }

  const { delegation, peerId } = await loadKeys(join(data, 'keys'), later)
  assert.deepEqual([delegation.statement.peer_id, delegation.statement.epoch], [peerId, 2])
  assert.equal(delegation.statement.not_after, later.nowMs / 1000 + 30 * 86_400)
})

test('refuses a folder that a node holds, and a hub key that is kept elsewhere until it is given', async t => {
  const data = await stoppedNode(t)
  {
    await using running = await openDataFolder(data)
    await assert.rejects(openKeys(running.folder, NOW), refusal(EXIT.inUse, /in use by process \d+: stop it/))
  }
  const file = join(data, '..', 'hub.key')
  renameSync(join(data, 'keys/hub.key'), file)

  await assert.rejects(openKeys(data, NOW), refusal(EXIT.noInput, /--hub-key FILE/))
  await using hub = await openKeys(data, { ...NOW, hubKey: { file } })
  assert.equal((await rotateNodeKey(hub)).now.statement.epoch, 2)
})

test('two changes one after the other with the folder open are two epochs', async t => {
  const data = await stoppedNode(t)
  {
    await using hub = await openKeys(data, NOW)
    await rotateNodeKey(hub)
    await renewLink(hub)
  }

  const { delegations } = await loadKeys(join(data, 'keys'), NOW)
  assert.deepEqual(
    delegations.map(({ statement }) => statement.epoch),
    [1, 2, 3]
  )
})

test('refuses days that no key lives, with nothing changed', async t => {
  const data = await stoppedNode(t)
  await using hub = await openKeys(data, NOW)

  for (const days of [0, -1, 0.5, 36_501, Number.NaN])
    await assert.rejects(rotateNodeKey(hub, { days }), RangeError)

  assert.equal((await loadKeys(hub.folder.keys, NOW)).lastEpoch, 1)
})

test('an epoch beyond the next one can be given, and none that is over', async t => {
  const data = await stoppedNode(t)
  {
    await using hub = await openKeys(data, NOW)
    assert.equal((await rotateNodeKey(hub, { epoch: 10 })).now.statement.epoch, 10)
  }

  await using hub = await openKeys(data, NOW)
  await assert.rejects(rotateNodeKey(hub, { epoch: 10 }), refusal(EXIT.usage, /signed for epoch 10 already/))
  assert.equal((await rotateNodeKey(hub)).now.statement.epoch, 11)
})

test('tells of a delegation that ends within 30 days', async t => {
  const { delegation } = await loadKeys(join(await stoppedNode(t), 'keys'), NOW)
  const { not_after } = delegation.statement

  assert.equal(endsSoon(delegation, not_after - 31 * 86_400), undefined)
  assert.equal(endsSoon(delegation, not_after - 29 * 86_400), '2035-12-30T00:00:00.000Z')
})

test('refuses delegations that do not grow by epoch, or that speak for nobody here', async t => {
  const data = await stoppedNode(t)
  const path = join(data, 'keys/delegation.json')
  await rotate(data)
  const [first = '', second = ''] = readFileSync(path, 'utf8').split(/(?<=\n)/)
  const load = () => loadKeys(join(data, 'keys'), NOW)

  for (const text of [second + second, second + first, `${first}\n${second}`, first + second.trimEnd()]) {
    writeFileSync(path, text)
    await assert.rejects(load, refusal(EXIT.badInput, /delegation.json: damaged/))
  }
  writeFileSync(path, first)
  await assert.rejects(load, refusal(EXIT.badInput, /made for peer .*, but node.key is/))
})

async function rotate(data: string): Promise<void> {
  await using hub = await openKeys(data, NOW)
  await rotateNodeKey(hub)
}
