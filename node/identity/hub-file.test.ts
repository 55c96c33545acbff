import assert from 'node:assert/strict'
import { readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import fc from 'fast-check'
import { delegate, formatDelegation } from '../../federation/index.ts'
import { generateMinisign, publicKeyLine } from '../minisign.ts'
import { delegateOther, delegateOwn } from './delegate.ts'
import { formatHubFile, hubFileOf, parseHubFile } from './hub-file.ts'
import { NOW, recorded, stoppedNode } from './identity.fixture.ts'
import { rotateNodeKey } from './link-key.ts'
import { openKeys } from './stopped-keys.ts'
import { succeedHub } from './succeed.ts'

const OTHER_PEER = '12D3KooWDpJ7As7BWAwRMfu1VU2WCqNjvq387JEYKDBj4kx6nXTN'

test('holds the hub id, its minisign key and all that it signed, and reads back the same', async t => {
  const data = await fullFolder(t)

  const file = await hubFileOf(data, NOW.nowMs)
  const read = parseHubFile(formatHubFile(file))

  assert.deepEqual(
    read.delegations.map(({ statement: { role, node, epoch } }) => [role, node, epoch]),
    [
      ['link', 'node1', 1],
      ['link', 'node1', 2],
      ['revocation', 'node1', 1],
      ['snapshot', 'node1', 1],
      ['link', 'paris-2', 1]
    ]
  )
  assert.equal(read.successions.at(-1)?.statement.successor, read.hub)
  assert.equal(formatHubFile(read), formatHubFile(file))
})

test('holds nothing secret of the data folder', async t => {
  const data = await fullFolder(t)
  const text = formatHubFile(await hubFileOf(data, NOW.nowMs))

  const names = readdirSync(join(data, 'keys')).filter(name => name.endsWith('.key'))
  const secrets = names.map(name =>
    readFileSync(join(data, 'keys', name), 'utf8')
      .trim()
      .split('\n')
      .at(-1)!
  )

  assert.ok(secrets.length >= 3)
  for (const secret of secrets) assert.ok(!text.includes(secret.slice(0, 40)))
})

test('of a hub that signed more than a peer takes, the file has the newest for each key of each node', async t => {
  const data = await stoppedNode(t)
  {
    await using hub = await openKeys(data, NOW)
    const { hubKey, keys } = hub
    const signed = Array.from({ length: 300 }, (_, n) =>
      delegate(hubKey.key, {
        hub: keys.hubId,
        node: `node${(n % 100) + 2}`,
        role: 'link',
        peer_id: OTHER_PEER,
        not_before: 1,
        not_after: 2,
        epoch: Math.floor(n / 100) + 1
      })
    )
    writeFileSync(join(data, 'keys', 'others.ndjson'), signed.map(formatDelegation).join(''))
    await assert.rejects(
      delegateOther(hub, 'link', { node: 'paris-2', key: OTHER_PEER }),
      /is the key of node/
    )
    await assert.rejects(
      delegateOther(hub, 'link', { node: 'node2', key: OTHER_PEER }),
      /others.ndjson: holds 300 delegations, as many as a peer keeps of one hub/
    )
    assert.deepEqual(await recorded(hub.log, 'delegation'), [])
  }

  const { delegations } = parseHubFile(formatHubFile(await hubFileOf(data, NOW.nowMs)))

  const epochs = (epoch: number) => delegations.filter(({ statement }) => statement.epoch === epoch).length
  // This node's own is the first of its epoch.
  assert.deepEqual([delegations.length, epochs(3), epochs(2), epochs(1)], [256, 100, 100, 56])
  assert.equal(delegations[0]?.statement.node, 'node1')
})

test('refuses what was changed, by name', async t => {
  const text = formatHubFile(await hubFileOf(await fullFolder(t), NOW.nowMs))
  const file = parseHubFile(text)
  const stranger = publicKeyLine(generateMinisign().secretKey)
  const [first, ...rest] = file.delegations
  const forged = { ...first!, statement: { ...first!.statement, not_after: 4_000_000_000 } }

  const wrong: readonly (readonly [string, RegExp])[] = [
    ['', /not JSON/],
    [text.trimEnd(), /not canonical/],
    [` ${text}`, /not canonical/],
    [text.replace('omnigate/hub/1', 'omnigate/hub/2'), /type: not one of/],
    [formatHubFile({ ...file, minisignKey: stranger }), /minisign_key: not the key of hub/],
    [formatHubFile({ ...file, delegations: [forged, ...rest] }), /delegations\[0\]: not signed by hub/],
    [formatHubFile({ ...file, successions: [...file.successions, ...file.successions] }), /does not lead/],
    [`${text.slice(0, -2)},"more":1}\n`, /unknown member/],
    ['x'.repeat(600_000), /longer than/]
  ]
  for (const [hostile, says] of wrong)
    assert.throws(() => parseHubFile(hostile), { name: 'SyntaxError', message: says })
})

test('answers hostile text with SyntaxError only', async t => {
  const text = formatHubFile(await hubFileOf(await stoppedNode(t), NOW.nowMs))
  const cut = fc.tuple(fc.nat(text.length), fc.string({ maxLength: 4 }), fc.nat(9))

  fc.assert(
    fc.property(fc.oneof(fc.json(), fc.string(), cut), hostile => {
      const changed =
        typeof hostile === 'string'
          ? hostile
          : text.slice(0, hostile[0]) + hostile[1] + text.slice(hostile[0] + hostile[2])
      if (changed !== text) assert.throws(() => parseHubFile(changed), SyntaxError)
    })
  )
})

async function fullFolder(t: TestContext): Promise<string> {
  const data = await stoppedNode(t)
  {
    await using hub = await openKeys(data, NOW)
    await succeedHub(hub, { next: generateMinisign(), isKept: true })
  }
  {
    await using hub = await openKeys(data, NOW)
    await rotateNodeKey(hub)
    await delegateOwn(hub, 'snapshot')
    await delegateOther(hub, 'link', { node: 'paris-2', key: OTHER_PEER })
  }
  return data
}
