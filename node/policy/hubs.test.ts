import assert from 'node:assert/strict'
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import type { TestContext } from 'node:test'
import { DEFAULT_POLICY } from '../../federation/index.ts'
import type { Policy } from '../../federation/index.ts'
import { OapError, mailboxService } from '../../protocols/index.ts'
import type { MailboxDelivery } from '../../protocols/index.ts'
import { connect } from '../../sdk/index.ts'
import { endings } from '../endings.fixture.ts'
import { SHARE, agent, sharingHub, tokenOf, treatyOf } from '../exchange/hubs.fixture.ts'
import type { SharingHub } from '../exchange/hubs.fixture.ts'
import { entriesOf, linked, until } from '../links/hubs.fixture.ts'

const TOPIC = 'dispatch/a'
/** Keeps everything back. */
const CAREFUL: Policy = { ...DEFAULT_POLICY, version: 7, accept_from: 100, reject_to: -100 }

interface Hubs {
  readonly a: SharingHub
  readonly b: SharingHub
  /** Puts another policy into the file of `b`. */
  readonly write: (text: string) => void
}

/** Two linked hubs, of which `b` judges by a policy in a file. */
async function hubs(t: TestContext, policy: Policy): Promise<Hubs> {
  const folder = mkdtempSync(join(tmpdir(), 'omnigate-policy-'))
  endings(t).defer(() => rmSync(folder, { recursive: true, force: true }))
  const path = join(folder, 'policy.json')
  const write = (text: string): void => {
    writeFileSync(`${path}.new`, text)
    renameSync(`${path}.new`, path)
  }
  write(JSON.stringify(policy))
  const a = await sharingHub(t)
  const b = await sharingHub(t, { flags: { 'federation.policy': path } })
  await b.operator.federation.peer_add({ hub: a.id, addresses: [], body: treatyOf(b) })
  await a.operator.federation.peer_add({ hub: b.id, addresses: [b.address], body: treatyOf(a) })
  await linked(a, b)
  return { a, b, write }
}

async function send(t: TestContext, from: SharingHub, to: SharingHub, body: string): Promise<void> {
  const who = await agent()
  const { cap } = await tokenOf(from, who, { verb: 'mailbox:send', topic: '**' })
  const connection = await connect(from.address, { privateKey: who.key, cap })
  endings(t).use(connection)
  const rows = connection.client(mailboxService)
  await until(async () => {
    try {
      return await rows.send({ topic: TOPIC, body: Buffer.from(body), to: { hub: to.id, share: SHARE.id } })
    } catch (error) {
      if (error instanceof OapError && error.status === 503) return false
      throw error
    }
  }, 'the send')
}

async function received({ operator, tenant }: SharingHub): Promise<readonly string[]> {
  const { items } = await operator.mailbox.recv({ topic: TOPIC, ack: 'auto' }, { tenant })
  return items.map(({ body }: MailboxDelivery) => Buffer.from(body ?? []).toString())
}

async function waiting({ operator }: SharingHub) {
  const items = []
  for await (const item of await operator.policy.quarantine_list({})) items.push(item)
  return items
}

const oneWaiting = async (hub: SharingHub) => await until(async () => (await waiting(hub)).at(0), 'an item')

describe('a hub that keeps messages back', { timeout: 300_000 }, () => {
  test('gives none to anybody until its operator releases it, and explains each', async t => {
    const { a, b } = await hubs(t, CAREFUL)
    await send(t, a, b, 'bed 7')

    const item = await oneWaiting(b)
    assert.deepEqual(
      [item.origin, item.kind, item.share, item.score, item.reasons],
      [a.id, 'mailbox.directed', SHARE.id, 10, ['known_type']]
    )
    assert.deepEqual(await received(b), [])
    const explained = await b.operator.policy.policy_explain({ id: item.id })
    assert.deepEqual(
      [explained.is_quarantined, explained.is_known_policy, explained.is_same],
      [true, true, true]
    )
    const { held_items, policy_version } = await b.operator.federation.federation_status({})
    assert.deepEqual([held_items, policy_version], [1, 7])
    await b.operator.policy.quarantine_release({ id: item.id })

    assert.deepEqual(await received(b), ['bed 7'])
    assert.deepEqual(await waiting(b), [])
    const [entry] = await entriesOf(b, 'acceptance')
    assert.equal((entry!['evidence'] as { id: string }).id, item.id)
    assert.deepEqual(await entriesOf(b, 'quarantine'), [{ change: 'release', id: item.id, origin: a.id }])
    const gone = await b.operator.policy.policy_explain({ id: item.id })
    assert.deepEqual([gone.is_quarantined, gone.is_same], [false, true])
  })

  test('follows its file without a restart, and keeps what it has when the file is wrong', async t => {
    const { a, b, write } = await hubs(t, CAREFUL)
    await send(t, a, b, 'kept')
    const kept = await oneWaiting(b)

    write('{"policy":1,"version":8}')
    const { policy_problem: problem } = await until(async () => {
      const status = await b.operator.federation.federation_status({})
      return status.policy_problem !== undefined && status
    }, 'the problem')
    assert.match(problem!, /policy\.json: max_bytes: missing/)
    write(JSON.stringify({ ...DEFAULT_POLICY, version: 9 }))
    await until(async () => (await b.operator.policy.policy_show({})).version === 9, 'the next policy')
    await send(t, a, b, 'taken')

    assert.deepEqual(await until(async () => some(await received(b)), 'the message'), ['taken'])
    await b.operator.policy.quarantine_reject({ id: kept.id })
    assert.deepEqual([await waiting(b), await received(b)], [[], []])
    const changes = (await entriesOf(b, 'policy')).map(({ change, version }) => [change, version])
    assert.deepEqual(changes, [
      ['load', 7],
      ['refuse', undefined],
      ['load', 9]
    ])
    await b.node.stop()
    const counted = (await entriesOf(b, 'accepted')).map(entry => [entry['policy_version'], entry['count']])
    assert.deepEqual(counted, [[9, 1]])
  })
})

const some = <T>(items: readonly T[]): readonly T[] | undefined => (items.length > 0 ? items : undefined)
