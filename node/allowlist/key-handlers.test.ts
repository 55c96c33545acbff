import assert from 'node:assert/strict'
import test from 'node:test'
import { delegate, revokeKey, succeed } from '../../federation/index.ts'
import type { Delegation, Role } from '../../federation/index.ts'
import type { OapError } from '../../protocols/index.ts'
import type { AuditEvent } from '../audit/index.ts'
import { formatHubFile } from '../identity/hub-file.ts'
import type { HubFile } from '../identity/hub-file.ts'
import { publicKeyLine } from '../minisign.ts'
import { PeerKeys } from '../peer-keys/index.ts'
import { signer } from '../peer-keys/signers.fixture.ts'
import { openLevel } from '../stores/level.ts'
import type { Level } from '../stores/level.ts'
import { NOW_S, SELF } from './allowlist.fixture.ts'
import { Allowlist } from './allowlist.ts'
import { directFederation } from './direct-client.ts'
import { nodeStopped } from './link-states.ts'
import { FIRST_TREATY } from './treaty.ts'

type Signer = ReturnType<typeof signer>
const [OLD, NEXT, LAST, OTHER, NODE] = [1, 2, 3, 4, 9].map(signer) as [Signer, Signer, Signer, Signer, Signer]
const NOTE = 'the clinic'

/** An operator over a store that can be opened again. */
async function operator(allowed: readonly string[] = [OLD.hub], configured: readonly string[] = []) {
  const level = await openLevel('memory')
  const recorded: AuditEvent[] = []
  const record = async (event: AuditEvent): Promise<void> => void recorded.push(event)
  let writesLeft = Infinity
  let newest: PeerKeys | undefined
  /** Writes fail as soon as there are none left, as after a power cut. */
  const failing = (): Level =>
    ({
      sublevel(name: string, options: never) {
        const rows = level.sublevel(name, options)
        const batch = rows.batch.bind(rows) as (...given: readonly unknown[]) => Promise<void>
        rows.batch = ((...given: readonly unknown[]) =>
          writesLeft-- > 0 ? batch(...given) : Promise.reject(new Error('power cut'))) as never
        return rows
      }
    }) as unknown as Level
  const open = async () => {
    const allowlist = await Allowlist.open(failing, {
      self: SELF,
      configured: configured.map(hub => ({ hub, addresses: [], treaty: FIRST_TREATY, note: '' })),
      record,
      isTenant: () => true,
      seconds: () => NOW_S
    })
    const keys = await PeerKeys.open(failing, {
      isAllowed: hub => allowlist.get(hub) !== undefined,
      record,
      seconds: () => NOW_S
    })
    newest = keys
    const standing = { federation: 'main', hub: SELF, addresses: [], only_private_addresses: true }
    return directFederation({
      allowlist: () => allowlist,
      keys: () => keys,
      links: nodeStopped,
      standing: () => standing
    })
  }
  const federation = await open()
  const treaty = Buffer.from(JSON.stringify({ verbs: ['mailbox:send'] }))
  for (const hub of allowed)
    await federation.peer_add({ hub, addresses: ['/dns4/a.example/tcp/1'], note: NOTE, body: treaty })
  const changes = () =>
    recorded.map(({ content: { type, data } }) => `${type} ${data['change'] as string}`).slice(allowed.length)
  const writes = (left: number): void => void (writesLeft = left)
  const learn: PeerKeys['learn'] = records => newest!.learn(records)
  return { federation, open, changes, writes, learn }
}

const link = ({ key, hub }: Signer, epoch = 1, until = NOW_S + 1000): Delegation<Role> =>
  delegate(key, {
    hub,
    node: 'node1',
    role: 'link',
    peer_id: NODE.peerId,
    not_before: NOW_S,
    not_after: until,
    epoch
  })
const follows = (hub: Signer, successor: Signer, by = successor) =>
  succeed(
    { hub: hub.key, successor: by.key },
    { at: NOW_S, hub: hub.hub, reason: '', successor: successor.hub }
  )
const fileOf = (of: Signer, changed: Partial<HubFile> = {}): Uint8Array =>
  Buffer.from(
    formatHubFile({
      hub: of.hub,
      minisignKey: publicKeyLine({ keyId: Buffer.alloc(8), publicKey: Buffer.from(of.hex, 'hex') } as never),
      delegations: [link(of)],
      revocations: [],
      successions: [],
      ...changed
    })
  )

const refusal = async (call: Promise<unknown>): Promise<readonly unknown[]> => {
  const error = (await call.then(
    () => assert.fail('it was taken'),
    (reason: unknown) => reason
  )) as OapError
  return [error.code, error.reason, error.message.replaceAll(/h1[a-z2-7]{52}/g, 'H')]
}

test('the file of a hub is taken once; its revocations count', async () => {
  const { federation, changes } = await operator()
  const revocation = revokeKey(OLD.key, { at: NOW_S, hub: OLD.hub, key: OTHER.hex, reason: '' })
  const file = fileOf(OLD, { revocations: [revocation] })

  const first = await federation.peer_import({ body: file })
  const again = await federation.peer_import({ hub: OLD.hub, body: file })

  assert.deepEqual(first, { hub: OLD.hub, learned: 2, known: 0, refused: [], equivocating: [] })
  assert.deepEqual([again.learned, again.known], [0, 2])
  const { delegations, revoked_keys, state } = await federation.peer_show({ hub: OLD.hub })
  assert.deepEqual([delegations, revoked_keys, state], [1, 1, 'allowed'])
  assert.deepEqual(changes(), ['peer_key revoked'])
})

test('a file of a hub that nobody allowed, of another than was meant, or that is none, is refused by name', async () => {
  const { federation, changes } = await operator()

  assert.deepEqual(await refusal(federation.peer_import({ body: fileOf(OTHER) })), [
    'not_found',
    undefined,
    'hub H: neither it nor a hub that it follows is on the allowlist; see peer list and peer add'
  ])
  assert.deepEqual(await refusal(federation.peer_import({ hub: OLD.hub, body: fileOf(NEXT) })), [
    'bad_request',
    undefined,
    'file: is of hub H, not of H'
  ])
  const wrong: readonly (readonly [Uint8Array, RegExp])[] = [
    [Buffer.from('not JSON'), /^file: not JSON$/],
    [Buffer.alloc(524_289, 'x'), /^file: longer than 524288/],
    [
      Buffer.from(Buffer.from(fileOf(OLD)).toString().replace('"epoch":1', '"epoch":2')),
      /^file: delegations\[0\]: not signed/
    ],
    [
      fileOf(NEXT, { successions: [follows(OLD, NEXT, OTHER)] }),
      /^file: successions\[0\]: successor_signature$/
    ],
    [fileOf(OLD, { successions: [follows(OLD, OLD)] }), /^file: successions\[0\]: cycle$/]
  ]
  for (const [body, message] of wrong) {
    const [code, , said] = await refusal(federation.peer_import({ body }))
    assert.equal(code, 'bad_request')
    assert.match(said as string, message)
  }
  assert.deepEqual(changes(), [])
})

test('a successor is shown, takes the place with its treaty once the operator confirms, and the hub before it is out', async () => {
  const { federation, open, changes } = await operator()

  const { follows: before } = await federation.peer_import({
    body: fileOf(LAST, { successions: [follows(OLD, NEXT), follows(NEXT, LAST)] })
  })

  assert.equal(before, OLD.hub)
  assert.equal((await federation.peer_show({ hub: OLD.hub })).successor, LAST.hub)
  assert.equal((await refusal(federation.peer_show({ hub: LAST.hub })))[0], 'not_found')

  const moved = await federation.peer_succeed({ successor: LAST.hub })

  assert.deepEqual(
    [moved.hub, moved.note, moved.verbs, moved.addresses, moved.delegations, moved.successor],
    [LAST.hub, NOTE, ['mailbox:send'], ['/dns4/a.example/tcp/1'], 1, undefined]
  )
  const again = await open()
  assert.equal((await again.peer_show({ hub: LAST.hub })).note, NOTE)
  assert.equal((await refusal(again.peer_show({ hub: OLD.hub })))[0], 'not_found')
  assert.deepEqual(changes(), ['peer_key succession', 'peer_key succession', 'peer succeed'])
})

test('a confirmation that a crash cuts off has not happened at all, and is made again', async () => {
  const { federation, open, writes, learn } = await operator()
  const successions = [follows(OLD, NEXT), follows(NEXT, LAST)]
  await federation.peer_import({ body: fileOf(LAST, { successions }) })
  writes(0)
  await assert.rejects(federation.peer_succeed({ successor: LAST.hub }), /power cut/)
  writes(Infinity)

  const again = await open()
  assert.equal((await again.peer_show({ hub: OLD.hub })).successor, LAST.hub)
  const { refused } = await learn([{ kind: 'delegation', record: link(OLD) }])
  assert.deepEqual(refused, [])
  assert.equal((await again.peer_succeed({ successor: LAST.hub })).hub, LAST.hub)
  const later = await learn([{ kind: 'delegation', record: link(OLD, 2) }])
  assert.deepEqual(later.refused, ['delegation: succeeded'])
})

test('a confirmation is one write, however long the chain: a crash leaves all of it or nothing', async () => {
  const { federation, open, writes, learn } = await operator()
  const successions = [follows(OLD, NEXT), follows(NEXT, LAST)]
  await federation.peer_import({ body: fileOf(LAST, { successions }) })
  writes(1)

  assert.equal((await federation.peer_succeed({ successor: LAST.hub })).hub, LAST.hub)

  const again = await open()
  writes(Infinity)
  assert.equal((await again.peer_show({ hub: LAST.hub })).note, NOTE)
  assert.equal((await refusal(again.peer_show({ hub: OLD.hub })))[0], 'not_found')
  const { refused } = await learn([OLD, NEXT].map(hub => ({ kind: 'delegation', record: link(hub) })))
  assert.deepEqual(refused, ['delegation: succeeded', 'delegation: succeeded'])
})

test('what is no successor is refused by name: unknown, one-sided, circular, allowed already, of the configuration', async () => {
  const { federation } = await operator([OLD.hub, LAST.hub], [OTHER.hub])

  assert.deepEqual((await refusal(federation.peer_succeed({ successor: NEXT.hub }))).slice(0, 2), [
    'conflict',
    'not_successor'
  ])
  assert.equal((await refusal(federation.peer_succeed({ successor: OLD.hub })))[1], 'already_allowed')
  await federation.peer_import({ body: fileOf(NEXT, { successions: [follows(OLD, NEXT)] }) })
  const { refused } = await federation.peer_import({
    body: fileOf(OLD, { successions: [follows(NEXT, OLD)] })
  })
  assert.deepEqual(refused, ['succession: cycle'])
  await federation.peer_import({ body: fileOf(LAST, { successions: [follows(NEXT, LAST)] }) })
  assert.equal((await refusal(federation.peer_succeed({ successor: LAST.hub })))[1], 'already_allowed')

  const third = signer(7)
  await federation.peer_import({ body: fileOf(third, { successions: [follows(OTHER, third)] }) })
  assert.match(
    String((await refusal(federation.peer_succeed({ successor: third.hub })))[2]),
    /stands in the configuration/
  )
})

test('a hub that named two successors is in quarantine, and none of them takes its place before it is released', async () => {
  const { federation, open, changes } = await operator()
  await federation.peer_import({ body: fileOf(NEXT, { successions: [follows(OLD, NEXT)] }) })

  const { equivocating } = await federation.peer_import({
    body: fileOf(OTHER, { successions: [follows(OLD, OTHER)] })
  })

  assert.deepEqual(equivocating, [OLD.hub])
  const { state, quarantine } = await (await open()).peer_show({ hub: OLD.hub })
  assert.deepEqual([state, quarantine], ['quarantined', 'it signed two successions of one place'])
  assert.equal((await federation.federation_status({})).quarantined, 1)
  assert.equal((await refusal(federation.peer_succeed({ successor: NEXT.hub })))[1], 'quarantine')
  assert.equal((await refusal(federation.peer_succeed({ successor: OTHER.hub })))[1], 'not_successor')

  assert.equal((await federation.peer_release({ hub: OLD.hub })).state, 'allowed')

  assert.equal((await refusal(federation.peer_release({ hub: OLD.hub })))[0], 'conflict')
  assert.equal((await federation.peer_succeed({ successor: NEXT.hub })).hub, NEXT.hub)
  assert.deepEqual(changes(), ['peer_key succession', 'peer_key quarantine', 'peer release', 'peer succeed'])
})

test('two delegations of one place put a hub in quarantine; removing it decides, too', async () => {
  const { federation } = await operator()
  await federation.peer_import({ body: fileOf(OLD) })
  await federation.peer_import({ body: fileOf(OLD, { delegations: [link(OLD, 1, NOW_S + 7)] }) })
  assert.equal((await federation.peer_show({ hub: OLD.hub })).state, 'quarantined')
  assert.equal((await federation.treaty_show({ hub: OLD.hub })).state, 'quarantined')

  await federation.peer_remove({ hub: OLD.hub })
  await federation.peer_add({ hub: OLD.hub, addresses: [] })

  assert.equal((await federation.peer_show({ hub: OLD.hub })).state, 'allowed')
})
