import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { DEFAULT_POLICY } from '../../federation/index.ts'
import { endings } from '../endings.fixture.ts'
import { entriesOf, hubFolder, linked, startHub, until } from '../links/hubs.fixture.ts'
import type { TestHub } from '../links/hubs.fixture.ts'
import { received, send, shareBetween, waiting } from './shares.fixture.ts'

const TOPIC = 'orders/new'
/** Keeps everything back. */
const CAREFUL = { ...DEFAULT_POLICY, version: 7, accept_from: 100, reject_to: -100 }

async function held({ operator }: TestHub) {
  const items = []
  for await (const item of await operator.policy.quarantine_list({})) items.push(item)
  return items
}

test(
  'a shared message in quarantine reaches nobody; released it is delivered once, rejected it does not come back',
  { timeout: 300_000 },
  async t => {
    const folder = mkdtempSync(join(tmpdir(), 'omnigate-policy-'))
    endings(t).defer(() => rmSync(folder, { recursive: true, force: true }))
    const path = join(folder, 'policy.json')
    writeFileSync(path, JSON.stringify(CAREFUL))
    const flags = { 'federation.policy': path }
    const data = hubFolder(t)
    const [a, b] = [await startHub(t), await startHub(t, { data, flags })]
    await shareBetween(b, a)
    await linked(a, b)
    for (const text of ['good', 'bad']) await send(a, TOPIC, text)
    const items = await until(async () => {
      const all = await held(b)
      return all.length === 2 && all
    }, 'both in quarantine')
    assert.deepEqual(
      items.map(({ kind, origin }) => [kind, origin]),
      [1, 2].map(() => ['mailbox.shared', a.id])
    )
    assert.equal(await waiting(b, TOPIC), 0)

    const judged = (await entriesOf(b, 'acceptance')).map(
      ({ evidence }) => evidence as { readonly id: string; readonly number: number }
    )
    const idOf = (number: number): string => judged.find(one => one.number === number)!.id
    await b.operator.policy.quarantine_release({ id: idOf(1) })
    await b.operator.policy.quarantine_reject({ id: idOf(2) })

    const got = await received(b, TOPIC, 1)
    assert.deepEqual(
      got.map(({ text, origin }) => [text, origin?.hub, origin?.number]),
      [['good', a.id, 1]]
    )
    // A round after a start asks for all that is not settled.
    await b.node.stop()
    const again = await startHub(t, { data, flags })
    await linked(a, again)
    await send(a, TOPIC, 'next')
    await until(async () => (await held(again)).length === 1, 'the next one')
    assert.equal(await waiting(again, TOPIC), 0)
    assert.deepEqual(
      (await entriesOf(again, 'quarantine')).map(({ change }) => change),
      ['release', 'reject']
    )
  }
)
