import assert from 'node:assert/strict'
import { chmodSync, cpSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { judgeEquivocation } from '../../federation/index.ts'
import { restoreBackup } from '../backup/index.ts'
import { allow, entriesOf, hubFolder, linkTo, linked, startHub, until } from '../links/hubs.fixture.ts'
import type { TestHub } from '../links/hubs.fixture.ts'

const DUTY = { witness: true }

/** Asks until every witness cosigned: at first the key of a witness is not known yet. */
const cosigned = (hub: TestHub, count = 1) =>
  until(async () => {
    const round = await hub.operator.witness.audit_cosign({})
    return round.cosigned.length === count && round
  }, `${count} cosignatures`)

/** Entries of the audit log, of changes that change nothing. */
async function grow({ operator }: TestHub, { id }: TestHub, times: number): Promise<void> {
  for (let n = 0; n < times; n++) await operator.federation.peer_edit({ hub: id, note: `note ${n}` })
}

const proofsOf = async ({ operator }: TestHub) => {
  const found = []
  for await (const row of await operator.witness.equivocation_list({})) found.push(row)
  return found
}

describe('hubs that witness each other', { timeout: 240_000 }, () => {
  test('cosign what goes on, and the checkpoint is served with its cosignatures', async t => {
    const [a, b] = [await startHub(t), await startHub(t)]
    await allow(a, b, DUTY)
    await linked(a, b)

    const first = await cosigned(a)
    await grow(a, b, 3)
    const second = await cosigned(a)
    await cosigned(b)

    assert.ok(second.size > first.size)
    assert.equal(second.cosigned[0]!.hub, b.id)
    const note = Buffer.from(second.body!).toString()
    assert.match(note, new RegExp(`^— ${b.id}/[a-z0-9-]+/witness `, 'm'))
    const kept = await a.operator.witness.audit_cosigned({})
    assert.deepEqual(Buffer.from(kept.body!).toString(), note)
    assert.deepEqual(await proofsOf(a), [])
  })

  test('a hub whose treaty does not have the duty is not asked, and nothing is cosigned', async t => {
    const [a, b] = [await startHub(t), await startHub(t)]
    await allow(a, b)
    await linked(a, b)

    const round = await a.operator.witness.audit_cosign({})
    assert.deepEqual([round.cosigned, round.refused], [[], []])
    await assert.rejects(a.operator.witness.audit_cosigned({}), { code: 'not_found' })
  })

  test('a copy that forks is caught, every linked hub learns of it, and an operator ends the quarantine', async t => {
    const [witness, other, data] = [await startHub(t), await startHub(t), hubFolder(t)]
    await allow(witness, other)
    await linked(witness, other)
    const liar = await startHub(t, { data })
    await liar.node.stop()
    const copy = join(data, '..', 'copy')
    cpSync(data, copy, { recursive: true })
    chmodSync(copy, 0o700)
    const one = await startHub(t, { data })
    for (const hub of [witness, other])
      await hub.operator.federation.peer_add({
        hub: one.id,
        addresses: [],
        body: Buffer.from(JSON.stringify(DUTY))
      })
    await one.operator.federation.peer_add({ hub: witness.id, addresses: [witness.address] })
    await linked(one, witness)
    await grow(one, witness, 5)
    const { size } = await cosigned(one)
    await one.node.stop()

    const two = await startHub(t, { data: copy })
    await two.operator.federation.peer_add({ hub: witness.id, addresses: [witness.address] })
    await linked(two, witness)
    await grow(two, witness, size)
    await until(async () => {
      const { refused } = await two.operator.witness.audit_cosign({})
      return refused[0]?.why.startsWith('equivocation: ')
    }, 'a refusal of the fork')

    for (const hub of [witness, other]) {
      const row = await until(async () => {
        const found = await linkTo(hub, one)
        return found.state === 'quarantined' && found
      }, 'the quarantine')
      assert.match(row.quarantine!, /audit log/)
      const [proof] = await proofsOf(hub)
      assert.equal(proof!.hub, one.id)
      const { body } = await hub.operator.witness.equivocation_show({ id: proof!.id })
      assert.equal(judgeEquivocation(Buffer.from(body!).toString()).ok, true)
      const changes = await entriesOf(hub, 'peer_key')
      assert.deepEqual(
        changes.map(({ change }) => change),
        ['quarantine']
      )
    }
    const again = await two.operator.witness.audit_cosign({})
    assert.match(again.refused[0]!.why, /quarantine/)

    await witness.operator.federation.peer_release({ hub: one.id })
    assert.equal((await linkTo(witness, one)).state, 'allowed')
    assert.equal(typeof (await proofsOf(witness))[0]!.decided, 'number')
    assert.equal((await linkTo(other, one)).state, 'quarantined')
  })

  test('a hub that was restored from a backup is no liar', async t => {
    const [witness, data] = [await startHub(t), hubFolder(t)]
    const first = await startHub(t, { data })
    const backup = join(data, '..', 'backup')
    await first.operator.audit.admin.backup({ folder: backup })
    await allow(first, witness, DUTY)
    await linked(first, witness)
    await grow(first, witness, 5)
    await cosigned(first)
    await first.node.stop()

    const restored = join(data, '..', 'restored')
    await restoreBackup(backup, restored)
    const second = await startHub(t, { data: restored })
    await second.operator.federation.peer_add({ hub: witness.id, addresses: [witness.address] })
    await linked(second, witness)
    await grow(second, witness, 5)
    await cosigned(second)

    assert.deepEqual([second.id, second.peer], [first.id, first.peer])
    assert.equal((await linkTo(witness, second)).state, 'allowed')
    assert.deepEqual(await proofsOf(witness), [])
  })

  test('a hub that shows each of two witnesses another history is caught, since they tell each other', async t => {
    const [a, b, data] = [await startHub(t), await startHub(t), hubFolder(t)]
    await allow(a, b)
    await linked(a, b)
    const before = await startHub(t, { data })
    await before.node.stop()
    const copy = join(data, '..', 'copy')
    cpSync(data, copy, { recursive: true })
    chmodSync(copy, 0o700)
    for (const [witness, folder] of [
      [a, data],
      [b, copy]
    ] as const) {
      const face = await startHub(t, { data: folder })
      const body = Buffer.from(JSON.stringify(DUTY))
      await witness.operator.federation.peer_add({ hub: face.id, addresses: [], body })
      await face.operator.federation.peer_add({ hub: witness.id, addresses: [witness.address] })
      await linked(face, witness)
      await until(async () => {
        await grow(face, witness, 1)
        const { cosigned: by, refused } = await face.operator.witness.audit_cosign({})
        return by.length === 1 || refused[0]?.why.includes('quarantine')
      }, 'a cosignature of one face')
    }

    for (const hub of [a, b])
      await until(async () => (await linkTo(hub, before)).state === 'quarantined', 'the quarantine')
    assert.equal((await proofsOf(a))[0]!.hub, before.id)
  })
})
