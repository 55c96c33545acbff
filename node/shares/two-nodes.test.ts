import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { formatHubFile, hubFileOf } from '../identity/index.ts'
import { hubFolder, linked, startHub, until } from '../links/hubs.fixture.ts'
import type { TestHub } from '../links/hubs.fixture.ts'
import { grant, newShare, received, row, send, shareBetween, tenantOf, waiting } from './shares.fixture.ts'

const OPTIONS = { timeout: 300_000 }

const texts = (got: readonly { readonly text: string }[]): string[] => got.map(({ text }) => text)

void describe('a shared topic', OPTIONS, () => {
  void test('has what was sent at one hub received at the other, once, before any round is due again', async t => {
    const [a, b] = [await startHub(t), await startHub(t)]
    const share = await shareBetween(a, b)
    await send(a, 'orders/new', 'before')
    await linked(a, b)
    const first = await received(b, 'orders/new', 1)

    for (const n of [1, 2, 3]) await send(a, 'orders/new', `message ${n}`)
    await send(b, 'orders/new', 'back')

    assert.deepEqual(texts(first), ['before'])
    const got = await received(b, 'orders/new', 4)
    assert.deepEqual(texts(got).sort(), ['back', 'message 1', 'message 2', 'message 3'])
    assert.deepEqual(
      got.flatMap(({ origin }) => (origin === undefined ? [] : [[origin.hub, origin.share, origin.number]])),
      [2, 3, 4].map(number => [a.id, share.id, number])
    )
    assert.deepEqual(texts(await received(a, 'orders/new', 5)).sort(), [
      'back',
      'before',
      'message 1',
      'message 2',
      'message 3'
    ])
  })

  void test('keeps what a hub missed while it was away, and brings nothing twice after both restart', async t => {
    const [dataA, dataB] = [hubFolder(t), hubFolder(t)]
    const a = await startHub(t, { data: dataA })
    const b = await startHub(t, { data: dataB })
    await shareBetween(a, b)
    await send(a, 'orders/new', 'one')
    await until(async () => (await waiting(b, 'orders/new')) === 1, 'the first message')
    await b.node.stop()
    for (const text of ['two', 'three']) await send(a, 'orders/new', text)
    await a.node.stop()

    const againB = await startHub(t, { data: dataB })
    const againA = await startHub(t, { data: dataA })
    await againA.operator.federation.peer_edit({ hub: againB.id, addresses: [againB.address] })
    await linked(againA, againB)
    await send(againA, 'orders/new', 'four')

    assert.deepEqual(texts(await received(againB, 'orders/new', 4)), ['one', 'two', 'three', 'four'])
    assert.equal(await waiting(againB, 'orders/new'), 0)
  })

  void test('does not go to a hub that is in another share, in none, or whose treaty lets less through', async t => {
    const [a, b, c] = [await startHub(t), await startHub(t), await startHub(t)]
    const share = newShare()
    const rowOf = (hub: TestHub, topics: string[]) => row(share, tenantOf(hub), 'both', topics)
    await grant(b, a, [rowOf(b, ['orders/public/**'])])
    await grant(c, a, [row(newShare(), tenantOf(c), 'both')])
    await grant(a, b, [rowOf(a, ['orders/**'])], { dials: true })
    await grant(a, c, [], { dials: true })
    await linked(a, b)
    await linked(a, c)

    await send(a, 'orders/secret', 'not for b')
    await send(a, 'orders/public/x', 'for b')

    assert.deepEqual(texts(await received(b, 'orders/public/x', 1)), ['for b'])
    assert.equal(await waiting(b, 'orders/secret'), 0)
    assert.equal(await waiting(c, 'orders/public/x'), 0)
    const { lag, gap } = await b.operator.federation.peer_show({ hub: a.id })
    assert.deepEqual([lag, gap], [0, 0])
  })

  void test('brings what was kept back once the treaty lets it through', async t => {
    const [a, b] = [await startHub(t), await startHub(t)]
    const share = newShare()
    const rowOf = (hub: TestHub, topics: string[]) => row(share, tenantOf(hub), 'both', topics)
    await grant(b, a, [rowOf(b, ['orders/a'])])
    await grant(a, b, [rowOf(a, ['orders/**'])], { dials: true })
    await linked(a, b)
    for (const topic of ['b', 'a']) await send(a, `orders/${topic}`, topic)
    const first = await received(b, 'orders/a', 1)

    await grant(b, a, [rowOf(b, ['orders/**'])])
    const second = await received(b, 'orders/b', 1)

    assert.deepEqual([first, second].flatMap(texts), ['a', 'b'])
    assert.equal(await waiting(b, 'orders/a'), 0)
  })

  void test('is relayed by a hub between two that are not linked, where all three treaties say so', async t => {
    const [a, b, c] = [await startHub(t), await startHub(t), await startHub(t)]
    const share = await shareBetween(a, b, { relay: true })
    await shareBetween(b, c, { share, relay: true })
    // They know each other, and cannot be reached.
    await grant(c, a, [row(share, tenantOf(c), 'both', undefined, true)])
    await linked(a, b)
    await linked(b, c)
    await until(async () => existsSync(join(a.data, 'keys', 'message.json')), 'a key for messages')
    // Whose hub has no link tells nobody of its keys: its operator gives the file of its hub.
    const body = Buffer.from(formatHubFile(await hubFileOf(a.data, Date.now())))
    await c.operator.federation.peer_import({ body })

    await send(a, 'orders/new', 'by way of b')

    assert.deepEqual(texts(await received(c, 'orders/new', 1)), ['by way of b'])
    assert.equal(await waiting(b, 'orders/new'), 1)
  })

  void test('is relayed by a hub that was restarted, while the origin is away', async t => {
    const data = hubFolder(t)
    const [a, b, c] = [await startHub(t), await startHub(t, { data }), await startHub(t)]
    const share = await shareBetween(a, b, { relay: true })
    await linked(a, b)
    await send(a, 'orders/new', 'by way of b')
    await until(async () => (await waiting(b, 'orders/new')) === 1, 'the message at b')
    const body = Buffer.from(formatHubFile(await hubFileOf(a.data, Date.now())))
    await a.node.stop()
    await b.node.stop()

    const again = await startHub(t, { data })
    await grant(c, a, [row(share, tenantOf(c), 'both', undefined, true)])
    await c.operator.federation.peer_import({ body })
    await shareBetween(c, again, { share, relay: true })
    await linked(c, again)

    assert.deepEqual(texts(await received(c, 'orders/new', 1)), ['by way of b'])
  })
})
