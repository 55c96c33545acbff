import assert from 'node:assert/strict'
import { hash } from 'node:crypto'
import { describe, test } from 'node:test'
import type { TestContext } from 'node:test'
import {
  LEAST_TREATY,
  SHARED_MESSAGE,
  SHARES,
  formatSigned,
  grantOf,
  signStatement
} from '../../federation/index.ts'
import type { Facts, ShareRefusal, SharedMessage } from '../../federation/index.ts'
import { OapError } from '../../protocols/index.ts'
import { barePeer } from '../links/bare-peer.fixture.ts'
import { entriesOf, startHub, until } from '../links/hubs.fixture.ts'
import type { TestHub } from '../links/hubs.fixture.ts'
import { hexOf, messageKeys } from '../links/message-keys.fixture.ts'
import { grant, newShare, row, send, shareBetween, received, tenantOf, waiting } from './shares.fixture.ts'
import type { TestShare } from './shares.fixture.ts'

const OPTIONS = { timeout: 300_000 }
const SERIES = 1_794_000_000_000
const WINDOW_S = 3600
const TOPIC = 'orders/new'
const BODY = Buffer.from('bed 7')

type Item = { readonly line: number; readonly body: Uint8Array }

/** A linked hub that gives what a test has it give, one share at a time. */
async function hostileHub(t: TestContext, node: TestHub) {
  const { hub, hubKey, message: key, other: otherKey, nowS, answers } = messageKeys()
  let share: TestShare = newShare()
  let items: () => Promise<readonly Item[]> = async () => []
  let last = 1
  const asked: string[] = []
  const onStream = answers({
    share_state: () => {
      asked.push('state')
      return { rows: [{ origin: hub, series: SERIES, first: 1, last, missing: [] }], more: false }
    },
    share_pull: async () => {
      asked.push('pull')
      return { withheld: [], items: await items() }
    }
  })
  const treaty = (): Facts['treaty'] => {
    const rows = [row(share, '11111111-1111-4111-8111-111111111111', 'both')]
    return grantOf({ ...LEAST_TREATY, rows } as never) as unknown as Facts['treaty']
  }
  const peer = await barePeer(t, { hubKey, onStream, treaty })

  /** The line of a statement of it with everything right, but for what is given, and a body. */
  const item = (
    number: number,
    more: Partial<SharedMessage> = {},
    body: Uint8Array = BODY,
    by = key
  ): Item => {
    const statement: SharedMessage = {
      at: nowS,
      body_sha256: hash('sha256', body, 'hex'),
      bytes: body.length,
      epoch: 1,
      hub,
      key: hexOf(key),
      node: 'bare',
      number,
      priority: 4,
      series: SERIES,
      share: share.id,
      topic: TOPIC,
      ...more
    }
    const signed = Buffer.from(formatSigned(signStatement(SHARED_MESSAGE, by, statement)))
    return { line: signed.length, body: Buffer.concat([signed, body]) }
  }
  return {
    hub,
    nowS,
    item,
    asked,
    otherKey,
    get share() {
      return share
    },
    /** Links anew over a share of its own, and offers so many messages, of which it gives these. */
    async offers(count: number, given: () => Promise<readonly Item[]> | readonly Item[]): Promise<void> {
      share = newShare()
      last = count
      items = async () => await given()
      asked.length = 0
      await grant(node, { id: hub } as TestHub, [row(share, tenantOf(node), 'both')], {
        more: { window_s: WINDOW_S }
      })
      const { shake } = await peer.dial(node.address)
      assert.equal((await shake(node.id)).kind, 'linked')
    }
  }
}

type Hostile = Awaited<ReturnType<typeof hostileHub>>

/** What such a hub gives for its messages 1 to 3, the reason for which it is refused, and how many are taken before that. */
const WRONG: Readonly<Record<string, readonly [ShareRefusal, (from: Hostile) => readonly Item[], number?]>> =
  {
    'a forged one': ['signature', ({ item, otherKey }) => [item(1, {}, BODY, otherKey)]],
    'one by a key that nobody delegated': [
      'key',
      ({ item, otherKey }) => [item(1, { key: hexOf(otherKey) }, BODY, otherKey)]
    ],
    'one that is cut short': ['malformed', ({ item }) => [{ line: 40, body: item(1).body }]],
    'one of another number': ['misnumbered', ({ item }) => [item(1), item(9)], 1],
    'one of another series': ['misnumbered', ({ item }) => [item(1, { series: SERIES + 1 })]],
    'one twice': ['replayed', ({ item }) => [item(2), item(2), item(1)], 1],
    'another body': [
      'body',
      ({ item }) => [{ ...item(1), body: Buffer.concat([item(1).body, Buffer.of(0)]) }]
    ],
    'a body that is too long': [
      'oversized',
      ({ item }) => {
        const { line, body } = item(1, { bytes: SHARES.bodyBytes })
        return [{ line, body: Buffer.concat([body.subarray(0, line), Buffer.alloc(SHARES.bodyBytes + 1)]) }]
      }
    ],
    'one from two minutes ahead': ['clock', ({ item, nowS }) => [item(1, { at: nowS + 120 })]],
    'one from before the window': ['stale', ({ item, nowS }) => [item(1, { at: nowS - WINDOW_S - 100 })]]
  }

void describe('a linked hub that serves a share wrongly', OPTIONS, () => {
  void test('is refused by name, counted and recorded, and nothing of it is delivered', async t => {
    const node = await startHub(t, { flags: { 'http.enabled': true, 'http.listen': '127.0.0.1:0' } })
    const evil = await hostileHub(t, node)
    let taken = 0
    for (const [what, [why, given, before = 0]] of Object.entries(WRONG)) {
      const counted = await refusedFor(node, why)

      await evil.offers(3, () => given(evil))
      await until(async () => (await refusedFor(node, why)) > counted, `${what}: ${why}`)

      taken += before
      assert.equal(await waiting(node, TOPIC), taken, what)
    }

    const recorded = await until(async () => {
      const entries = await entriesOf(node, 'share_refused')
      return entries.length === Object.keys(WRONG).length && entries
    }, 'an entry for each')
    assert.deepEqual(
      recorded.map(({ hub, code }) => [hub, code]),
      Object.values(WRONG).map(([why]) => [evil.hub, why])
    )
  })

  void test('in another order than was asked has all of it taken, once', async t => {
    const node = await startHub(t)
    const evil = await hostileHub(t, node)

    await evil.offers(3, () => [3, 1, 2].map(number => evil.item(number)))

    const got = await received(node, TOPIC, 3)
    assert.deepEqual(
      got.map(({ origin }) => origin?.number),
      [3, 1, 2]
    )
    assert.equal(await waiting(node, TOPIC), 0)
  })

  void test('that announces and never gives is asked again, and holds up no other', async t => {
    const [node, honest] = [await startHub(t), await startHub(t)]
    const evil = await hostileHub(t, node)
    await shareBetween(node, honest)

    await evil.offers(SHARES.ahead, () => [])
    await until(async () => evil.asked.includes('pull'), 'a pull')
    await send(honest, TOPIC, 'true')

    assert.deepEqual(
      (await received(node, TOPIC, 1)).map(({ text }) => text),
      ['true']
    )
    const pulls = evil.asked.filter(op => op === 'pull').length
    assert.ok(pulls < 100, `${pulls} pulls`)
    const { lag } = await node.operator.federation.peer_show({ hub: evil.hub })
    assert.equal(lag, SHARES.ahead)
  })

  void test('that takes the share back while it is asked gives nothing, nor does one whose share is taken from it', async t => {
    const node = await startHub(t, { flags: { 'http.enabled': true, 'http.listen': '127.0.0.1:0' } })
    const evil = await hostileHub(t, node)

    await evil.offers(2, () => {
      throw new OapError('not_shared')
    })
    await until(async () => evil.asked.includes('pull'), 'a pull')
    await evil.offers(2, async () => {
      await grant(node, { id: evil.hub } as TestHub, [])
      return [evil.item(1), evil.item(2)]
    })
    await until(async () => (await refusedFor(node, 'share')) > 0, 'the refusal')

    assert.equal(await waiting(node, TOPIC), 0)
  })
})

/** How often the node has refused something of shares for a reason. */
async function refusedFor({ node }: TestHub, why: ShareRefusal): Promise<number> {
  const text = await (await fetch(`${String(node.status().http)}/metrics`)).text()
  const found = new RegExp(`^shares_refused_total\\{reason="${why}"\\} (\\d+)$`, 'm').exec(text)
  return Number(found?.[1] ?? Number.NaN)
}
