import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Serving } from './serving.ts'
import type { Way } from './agreements.ts'
import { SHARE, TENANT, TOPIC, WINDOW_S, island } from './island.fixture.ts'
import type { IslandHub } from './island.fixture.ts'

const CALLER = 'h1caller'
const OTHER_SHARE = '0'.repeat(32)

/** A hub that has sent three messages, and how it answers whoever calls. */
async function given(ways: { readonly out?: Partial<Way> | undefined }) {
  const { hubs, clock } = await island(1)
  const [hub] = hubs as [IslandHub]
  for (const text of ['one', 'two', 'three']) await hub.send(text)
  const way: Way = {
    tenant: TENANT,
    relay: false,
    windowS: WINDOW_S,
    has: topic => topic === TOPIC,
    terms: '00'.repeat(16)
  }
  const out = ways.out && { ...way, ...ways.out }
  const serving = new Serving({
    self: hub.id,
    agreements: { out: (_hub, share) => (share === SHARE ? out : undefined), in: () => undefined },
    book: () => hub.book,
    now: () => ({ ms: clock.ms, s: clock.s })
  })
  const [own] = hub.book.of(SHARE)
  const pull = (numbers = [[1, 3]]) =>
    serving.pull(CALLER, { share: SHARE, origin: hub.id, series: own!.series, numbers })
  return { hub, clock, serving, pull }
}

void describe('what is asked about shares', () => {
  void test('tells a hub that is not in a share nothing, and no more of one that it does not know', async () => {
    const { serving, pull } = await given({})
    const refusals = [
      await serving.state(CALLER, { share: SHARE }).catch((error: unknown) => error),
      await serving.state(CALLER, { share: OTHER_SHARE }).catch((error: unknown) => error),
      await pull().catch((error: unknown) => error)
    ] as { code: string; message: string }[]

    assert.deepEqual(new Set(refusals.map(({ code }) => code)), new Set(['not_shared']))
    assert.equal(new Set(refusals.map(({ message }) => message)).size, 1)
  })

  void test('gives no message of another topic or tenant, and none that is too old', async () => {
    const other = await given({ out: { tenant: '22222222-2222-4222-8222-222222222222' } })
    const narrow = await given({ out: { has: () => false } })
    const late = await given({ out: {} })
    late.clock.pass(WINDOW_S + 1)

    for (const { pull } of [other, narrow]) assert.deepEqual(await pull(), { withheld: [[1, 3]], items: [] })
    assert.deepEqual(await late.pull(), { withheld: [], items: [] })
    assert.equal((await (await given({ out: {} })).pull()).items.length, 3)
  })

  void test('has a bound for each hub', async () => {
    const { serving } = await given({ out: {} })
    const state = () => serving.state(CALLER, { share: SHARE })
    for (let n = 0; n < 200; n++) await state()

    await assert.rejects(state(), { code: 'quota_peer' })
    assert.equal((await serving.state('h1other', { share: SHARE })).rows.length, 1)
  })
})
