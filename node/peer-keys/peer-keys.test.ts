import assert from 'node:assert/strict'
import { test } from 'node:test'
import { delegate, revokeKey, succeed } from '../../federation/index.ts'
import type { KeyRecord, LinkStatement } from '../../federation/index.ts'
import { auditEvent } from '../audit/index.ts'
import type { AuditEvent } from '../audit/index.ts'
import { openLevel } from '../stores/level.ts'
import type { Level } from '../stores/level.ts'
import { PEER_KEY_ROWS, PeerKeys } from './peer-keys.ts'
import type { PeerKeyChange, PeerKeysOptions } from './peer-keys.ts'
import { signer } from './signers.fixture.ts'

const NOW_S = 1_800_000_000
const HUB = signer(1)
const OTHER_HUB = signer(2)
const NODE = signer(10)
const NEXT_NODE = signer(11)
const NEXT_HUB = signer(12)
const THIRD_HUB = signer(13)

const link = (changed: Partial<LinkStatement> = {}): LinkStatement => ({
  hub: HUB.hub,
  node: 'node1',
  role: 'link',
  peer_id: NODE.peerId,
  not_before: NOW_S - 10,
  not_after: NOW_S + 1000,
  epoch: 1,
  ...changed
})
const delegation = (changed: Partial<LinkStatement> = {}, by = HUB): KeyRecord => ({
  kind: 'delegation',
  record: delegate(by.key, link(changed))
})
const revocation = (key = NODE.hex, reason = '', by = HUB): KeyRecord => ({
  kind: 'key_revocation',
  record: revokeKey(by.key, { at: NOW_S, hub: HUB.hub, key, reason })
})
const succession = (from = HUB, to = NEXT_HUB, signedBy = to): KeyRecord => ({
  kind: 'succession',
  record: succeed(
    { hub: from.key, successor: signedBy.key },
    { at: NOW_S, hub: from.hub, reason: '', successor: to.hub }
  )
})

/** What is known over a store that can be opened again, with what it told and recorded. */
async function opened(options: Partial<PeerKeysOptions> = {}) {
  const level = await openLevel('memory')
  const allowed = new Set([HUB.hub])
  const told: PeerKeyChange[] = []
  const recorded: AuditEvent[] = []
  const damaged: string[] = []
  const open = async () => {
    const keys = await PeerKeys.open(() => level, {
      isAllowed: hub => allowed.has(hub),
      record: async event => void recorded.push(event),
      seconds: () => NOW_S,
      onDamaged: row => damaged.push(row),
      ...options
    })
    keys.onChange(change => told.push(change))
    return keys
  }
  const said = () => recorded.map(({ content: { type, data } }) => `${type} ${data['change'] as string}`)
  return { level, allowed, open, keys: await open(), told, said, damaged }
}

async function flip(level: Level, key: (name: string) => boolean): Promise<void> {
  const rows = level.sublevel<string, Uint8Array>(PEER_KEY_ROWS, { valueEncoding: 'view' })
  for (const [name, bytes] of await rows.iterator().all()) {
    if (!key(name)) continue
    bytes[bytes.length - 3]! ^= 1
    await rows.put(name, bytes)
  }
}

test('what was learned is there after the store was opened again, with when', async () => {
  const { keys, open } = await opened()

  const learning = await keys.learn([delegation(), revocation(NEXT_NODE.hex), succession()])
  const again = await open()

  assert.deepEqual(learning, { learned: 3, known: 0, refused: [], equivocating: [] })
  assert.deepEqual(again.book(HUB.hub), keys.book(HUB.hub))
  assert.equal(again.book(HUB.hub).revocations[0]?.learnedAt, NOW_S)
  assert.deepEqual(again.successors(HUB.hub), [NEXT_HUB.hub])
  assert.deepEqual((await again.learn([delegation(), revocation(NEXT_NODE.hex), succession()])).known, 3)
})

test('a revocation is told and recorded, holds for its key and no other, and nothing of that key is taken any more', async () => {
  const { keys, told, said } = await opened()
  assert.equal(keys.isRevoked(link()), false)

  await keys.learn([revocation(NODE.hex, 'stolen')])

  assert.equal(keys.isRevoked(link()), true)
  assert.equal(keys.isRevoked(link({ peer_id: NEXT_NODE.peerId })), false)
  assert.equal(keys.isRevoked(link({ hub: OTHER_HUB.hub })), false)
  assert.deepEqual(told, [{ hub: HUB.hub, change: 'revocation' }])
  assert.deepEqual(said(), ['peer_key revoked'])
  assert.deepEqual((await keys.learn([delegation({ epoch: 2 })])).refused, ['delegation: revoked'])
})

test('nothing is taken of a hub that is not allowed, nor what its hub did not sign', async () => {
  const { keys, told } = await opened()

  const { refused, learned } = await keys.learn([
    { kind: 'delegation', record: delegate(OTHER_HUB.key, link({ hub: OTHER_HUB.hub })) },
    delegation({}, OTHER_HUB),
    revocation(NODE.hex, '', OTHER_HUB),
    succession(OTHER_HUB, NEXT_HUB),
    succession(HUB, NEXT_HUB, HUB),
    succession(OTHER_HUB, HUB, HUB),
    succession(HUB, HUB)
  ])

  assert.deepEqual(refused, [
    'delegation: not_allowed',
    'delegation: signature',
    'key_revocation: signature',
    'succession: not_allowed',
    'succession: successor_signature',
    'succession: not_allowed',
    'succession: cycle'
  ])
  assert.deepEqual([learned, told], [0, []])
})

test('two delegations of one place put the hub in quarantine until somebody decides, also over a restart', async () => {
  const { keys, open, told, said } = await opened()
  const [first, second] = [delegation(), delegation({ peer_id: NEXT_NODE.peerId })]

  const { equivocating } = await keys.learn([first, second])

  assert.deepEqual(equivocating, [HUB.hub])
  assert.equal(keys.quarantine(HUB.hub), 'it signed two delegations of one place')
  assert.deepEqual(keys.book(HUB.hub).delegations, [first.record])
  const again = await open()
  assert.equal(again.quarantine(HUB.hub), 'it signed two delegations of one place')
  assert.equal(again.proofs(HUB.hub)[0]?.lines.length, 2)

  assert.equal(await again.release(HUB.hub), true)
  assert.equal(await again.release(HUB.hub), false)

  // The same proof says nothing new.
  assert.deepEqual((await again.learn([second])).equivocating, [])
  const last = await open()
  assert.deepEqual([last.quarantine(HUB.hub), last.proofs(HUB.hub).length], [undefined, 1])
  assert.deepEqual(
    told.map(({ change }) => change),
    ['quarantine', 'release']
  )
  assert.deepEqual(said(), ['peer_key quarantine'])

  // Another does.
  await last.learn([delegation({ not_after: NOW_S + 7 })])
  assert.equal(last.quarantine(HUB.hub), 'it signed two delegations of one place')
})

test('a quarantine begins, and ends, once the audit log has it, and not before', async () => {
  const log: { readonly resolve: () => void; readonly reject: (error: Error) => void }[] = []
  const { keys } = await opened({
    record: () => {
      const { promise, resolve, reject } = Promise.withResolvers<void>()
      log.push({ resolve, reject })
      return promise
    }
  })
  const next = async () => {
    while (log.length === 0) await new Promise(resolve => setImmediate(resolve))
    return log.shift()!
  }
  const twice = [delegation(), delegation({ peer_id: NEXT_NODE.peerId })]

  const failing = keys.learn(twice)
  const first = await next()
  const before = keys.quarantine(HUB.hub)
  first.reject(new Error('no log'))
  await assert.rejects(failing, /no log/)
  assert.deepEqual([before, keys.quarantine(HUB.hub)], [undefined, undefined])

  const learning = keys.learn(twice)
  ;(await next()).resolve()
  assert.deepEqual((await learning).equivocating, [HUB.hub])
  assert.ok(keys.quarantine(HUB.hub))

  const event = auditEvent('peer', 'node', {
    hub: HUB.hub,
    change: 'release',
    treaty_sha256: '0'.repeat(64)
  })
  const releasing = keys.release(HUB.hub, event)
  const last = await next()
  assert.ok(keys.quarantine(HUB.hub))
  last.resolve()
  assert.equal(await releasing, true)
  assert.equal(keys.quarantine(HUB.hub), undefined)
})

test('two successors of one hub are proof against it, and the first stays', async () => {
  const { keys, open } = await opened()

  await keys.learn([succession(HUB, NEXT_HUB)])
  await keys.learn([succession(HUB, THIRD_HUB)])

  const again = await open()
  assert.equal(again.quarantine(HUB.hub), 'it signed two successions of one place')
  assert.deepEqual(again.successors(HUB.hub), [NEXT_HUB.hub])
})

test('what follows an allowed hub may speak of its keys; a confirmed succession ends the hub before it', async () => {
  const { keys, open, allowed } = await opened()
  await keys.learn([delegation(), succession()])
  assert.equal(keys.isRevoked(link()), false)
  const next = { kind: 'delegation', record: delegate(NEXT_HUB.key, link({ hub: NEXT_HUB.hub })) } as const

  assert.equal((await keys.learn([next])).learned, 1)
  allowed.delete(HUB.hub)
  allowed.add(NEXT_HUB.hub)
  await keys.confirm([HUB.hub])

  const again = await open()
  assert.equal(again.isRevoked(link()), true)
  assert.equal(again.isRevoked(link({ hub: NEXT_HUB.hub })), false)
  assert.deepEqual((await again.learn([delegation({ epoch: 2 })])).refused, ['delegation: succeeded'])
  assert.deepEqual((await again.learn([delegation()])).known, 1)
})

test('a book takes 256 delegations and no more', async () => {
  const { keys } = await opened()
  const many = Array.from({ length: 257 }, (_, n) => delegation({ epoch: n + 1 }))

  const { learned, refused } = await keys.learn(many)

  assert.deepEqual([learned, refused], [256, ['delegation: full']])
})

test('damage takes no revocation and no quarantine back; all else is learned again', async () => {
  const { keys, level, open, damaged } = await opened()
  await keys.learn([
    delegation(),
    delegation({ not_after: NOW_S + 5 }),
    revocation(NEXT_NODE.hex),
    succession()
  ])

  await flip(level, name => name !== 'format')
  const again = await open()

  assert.equal(damaged.length, 4)
  assert.equal(again.isRevoked(link({ peer_id: NEXT_NODE.peerId })), true)
  assert.equal(again.quarantine(HUB.hub), 'a stored proof against it cannot be read')
  assert.deepEqual([again.book(HUB.hub).delegations, again.successors(HUB.hub)], [[], []])
  assert.equal(await again.release(HUB.hub), true)
  assert.equal((await again.learn([delegation(), succession()])).learned, 2)
  assert.equal((await open()).quarantine(HUB.hub), undefined)
})

test('rows of a newer version are refused, and others than ours passed over', async () => {
  const { keys, level, open, damaged } = await opened()
  await keys.learn([delegation()])
  const { CheckedRows } = await import('../stores/checked-rows.ts')
  const rows = new CheckedRows(() => level, PEER_KEY_ROWS)
  await rows.put([
    { key: 'x', value: 1 },
    { key: `d/${HUB.hub}/link/node1/0000000000000009`, value: { line: 'x', at: 1 } }
  ])
  assert.equal((await open()).book(HUB.hub).delegations.length, 1)
  assert.equal(damaged.length, 2)

  await rows.put([{ key: 'format', value: { version: 2 } }])

  await assert.rejects(open(), { reason: 'newerFormat' })
})

test('nothing holds that could not be written', async () => {
  const { keys, level, told } = await opened()
  await level.close()

  await assert.rejects(keys.learn([revocation()]))

  assert.deepEqual([keys.isRevoked(link()), told], [false, []])
})

/** Hubs that follow each other, the first of them `HUB`, with the successions between them. */
function chainOf(length: number): readonly (readonly [ReturnType<typeof signer>, KeyRecord])[] {
  const hubs = [HUB, ...Array.from({ length }, (_, n) => signer(100 + n))]
  return hubs.slice(1).map((hub, n) => [hub, succession(hubs[n]!, hub)] as const)
}

test('one hub invents no more than 64 that follow it, and takes no place of another', async () => {
  const { keys, allowed } = await opened()
  allowed.add(OTHER_HUB.hub)
  const invented = chainOf(66).map(([, record]) => record)

  const { learned, refused } = await keys.learn(invented)

  assert.deepEqual([learned, refused], [64, ['succession: full', 'succession: not_allowed']])
  assert.equal((await keys.learn([succession(OTHER_HUB, NEXT_HUB)])).learned, 1)
  assert.equal(keys.successors(HUB.hub).length, 64)
})

test('hubs that follow one of the allowlist have 256 delegations and revocations together', async () => {
  const { keys, allowed } = await opened()
  const invented = chainOf(2)
  await keys.learn(invented.map(([, record]) => record))
  const spoken = invented.flatMap(([by]) =>
    Array.from({ length: 200 }, (_, n) => delegation({ hub: by.hub, epoch: n + 1 }, by))
  )

  const { learned, refused } = await keys.learn(spoken)

  assert.deepEqual([learned, refused.length, refused[0]], [256, 144, 'delegation: full'])
  assert.equal((await keys.learn([delegation()])).learned, 1)
  allowed.add(invented[1]![0].hub)
  assert.equal((await keys.learn(spoken.slice(-1))).learned, 1, 'once it is on the allowlist, it has its own')
})

test('who leaves the allowlist leaves revocations and what was confirmed, and nothing else of its chain', async () => {
  const { keys, level, open, allowed } = await opened()
  const [[next, follows]] = chainOf(1) as [ReturnType<typeof chainOf>[number]]
  await keys.learn([delegation(), revocation(NEXT_NODE.hex), follows, delegation({ hub: next.hub }, next)])
  const rows = () => level.sublevel<string, Uint8Array>(PEER_KEY_ROWS, {}).keys().all()
  await keys.forget(HUB.hub)
  assert.equal(keys.book(HUB.hub).delegations.length, 1, 'it is on the allowlist')

  allowed.delete(HUB.hub)
  await keys.forget(HUB.hub)

  for (const known of [keys, await open()]) {
    assert.deepEqual([known.book(HUB.hub).delegations, known.successors(HUB.hub)], [[], []])
    assert.equal(known.isRevoked(link({ peer_id: NEXT_NODE.peerId })), true)
  }
  assert.deepEqual(
    (await rows()).map(key => key.slice(0, 2)),
    ['fo', 'r/']
  )
  allowed.add(HUB.hub)
  assert.deepEqual((await keys.learn([delegation(), revocation(NEXT_NODE.hex), follows])).learned, 2)

  await keys.confirm([HUB.hub])
  allowed.delete(HUB.hub)
  await keys.forget(HUB.hub)
  assert.equal((await open()).isRevoked(link()), true)
  assert.deepEqual(keys.successors(HUB.hub), [next.hub])
})

test('what left the allowlist while the node was stopped is freed at its start', async () => {
  const { keys, level, open, allowed } = await opened()
  await keys.learn([delegation(), succession()])
  allowed.delete(HUB.hub)

  await open()

  const rows = level.sublevel<string, Uint8Array>(PEER_KEY_ROWS, {})
  assert.deepEqual(await rows.keys().all(), ['format'])
})

test('records of a hub that nobody allowed cost one look at the allowlist each, however much is known', async () => {
  let looks = 0
  const { keys } = await opened({ isAllowed: hub => (looks++, hub === HUB.hub) })
  await keys.learn(chainOf(64).map(([, record]) => record))
  const records = Array.from({ length: 90 }, (_, n) =>
    delegation({ hub: OTHER_HUB.hub, epoch: n + 1 }, OTHER_HUB)
  )
  looks = 0

  const { refused } = await keys.learn(records)

  assert.deepEqual(new Set(refused), new Set(['delegation: not_allowed']))
  assert.ok(looks <= 2 * records.length, `${looks} looks`)
})
