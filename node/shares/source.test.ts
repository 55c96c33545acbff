import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { SHARES } from '../../federation/index.ts'
import { OapError } from '../../protocols/index.ts'
import { SHARE, TOPIC, island } from './island.fixture.ts'
import type { IslandHub } from './island.fixture.ts'

type Answers = Parameters<IslandHub['link']>[1]

void describe('a hub that is asked', () => {
  void test('and claims the highest number there is costs as little as another, and nothing stays of it', async () => {
    const { hubs, clock } = await island(2)
    const [here, there] = hubs as [IslandHub, IslandHub]
    await there.send('real')
    let pulls = 0
    const boasting: Answers = {
      async state(hub, asked) {
        const { rows } = await there.serving.state(hub, asked)
        return { rows: rows.map(row => ({ ...row, last: Number.MAX_SAFE_INTEGER })), more: false }
      },
      pull: (hub, asked) => {
        pulls++
        return there.serving.pull(hub, asked)
      }
    }
    here.link(there.id, boasting)

    await here.round()

    assert.deepEqual(await here.texts(), ['real'])
    assert.ok(pulls <= 10, String(pulls))
    assert.ok(here.book.counts(there.id).lag <= SHARES.ahead)
    clock.pass(61)
    await here.round()
    assert.deepEqual(await here.texts(), ['real'])
  })

  void test('for what neither it nor another has is asked once for each claim', async () => {
    const { hubs } = await island(4, { isRelayed: true })
    const [here, origin, ...relays] = hubs as [IslandHub, IslandHub, IslandHub, IslandHub]
    let pulls = 0
    const lacking: Answers = {
      state: async () => ({ rows: [], more: false }),
      pull: async () => {
        await new Promise(resolve => setImmediate(resolve))
        pulls++
        return { items: [], withheld: [] }
      }
    }
    const sources = relays.map(({ id }) => here.link(id, lacking))
    await here.round()
    const series = here.book.open({ share: SHARE, origin: origin.id, series: 1 }, 3600)!
    series.claimed = 1

    for (const source of sources) source.hint(series)
    for (let turns = 0; turns < 100; turns++) await new Promise(resolve => setImmediate(resolve))

    assert.equal(pulls, relays.length)
  })

  void test('and keeps the lowest numbers back does not keep others back by that', async () => {
    const { hubs, clock } = await island(2)
    const [here, there] = hubs as [IslandHub, IslandHub]
    const count = SHARES.askedNumbers * 12
    for (let n = 0; n < count; n++) await there.send(`message ${n}`)
    const hidden = SHARES.askedNumbers * 10
    const hiding: Answers = {
      state: (hub, asked) => there.serving.state(hub, asked),
      async pull(hub, asked) {
        const answer = await there.serving.pull(hub, asked)
        const items = answer.items.filter(({ line, body }) => {
          const { statement } = JSON.parse(Buffer.from(body).toString('utf8', 0, line)) as {
            statement: { number: number }
          }
          return statement.number > hidden
        })
        return { ...answer, items }
      }
    }
    here.link(there.id, hiding)

    for (let round = 0; round < 3; round++) {
      await here.round()
      clock.pass(61)
    }

    assert.equal(here.book.of(SHARE).at(0)?.stored.last, count)
    assert.equal(here.book.counts(there.id).lag, hidden)
  })

  void test('and answers with what was not asked for is left alone, and others are not', async () => {
    const { hubs, clock } = await island(3, { isRelayed: true })
    const [here, liar, honest] = hubs as [IslandHub, IslandHub, IslandHub]
    await honest.send('true')
    liar.link(honest.id, honest.serving)
    await liar.round()
    let calls = 0
    here.link(liar.id, {
      state: (hub, asked) => liar.serving.state(hub, asked),
      async pull(hub, asked) {
        calls++
        const answer = await liar.serving.pull(hub, asked)
        return { ...answer, items: answer.items.map(({ line, body }) => ({ line: line - 1, body })) }
      }
    })
    here.link(honest.id, honest.serving)

    await here.round()
    clock.pass(10)
    await here.round()

    assert.equal(calls, 1)
    assert.deepEqual(await here.texts(), ['true'])
    assert.ok(here.refused.includes('malformed'))
  })

  void test('for more than one answer holds is asked on from where the last one ended, in one round', async () => {
    const { hubs } = await island(2)
    const [here, there] = hubs as [IslandHub, IslandHub]
    const long = 'x'.repeat(16_384)
    for (let n = 0; n < SHARES.askedNumbers + 10; n++) await there.send(`${long} ${n}`)
    here.link(there.id, there.serving)

    await here.round()

    assert.deepEqual(here.refused, [])
    const { last, missing } = here.book.of(SHARE)[0]!.stored
    assert.deepEqual([last, missing], [SHARES.askedNumbers + 10, []])
  })

  void test('and fails is asked again, later each time, and what it has comes then', async () => {
    const { hubs, clock } = await island(2)
    const [here, there] = hubs as [IslandHub, IslandHub]
    await there.send('late')
    let isDown = true
    here.link(there.id, {
      async state(hub, asked) {
        if (isDown) throw new OapError('upstream', 'down')
        return await there.serving.state(hub, asked)
      },
      pull: (hub, asked) => there.serving.pull(hub, asked)
    })

    await here.round()
    isDown = false
    await here.round()
    assert.deepEqual(await here.texts(), [])
    clock.pass(1)
    await here.round()

    assert.deepEqual(await here.texts(), ['late'])
  })

  void test('about more numbers than a call may name, or not ascending, refuses', async () => {
    const { hubs } = await island(2)
    const [here, there] = hubs as [IslandHub, IslandHub]
    await there.send('one')
    const [own] = there.book.of(SHARE)
    const pull = (numbers: readonly (readonly number[])[]) =>
      there.serving.pull(here.id, { share: SHARE, origin: there.id, series: own!.series, numbers })

    await assert.rejects(pull([[1, SHARES.askedNumbers + 1]]), { code: 'bad_request' })
    await assert.rejects(
      pull([
        [5, 6],
        [1, 2]
      ]),
      { code: 'bad_request' }
    )
    await assert.rejects(pull([[1, Number.MAX_SAFE_INTEGER]]), { code: 'bad_request' })
    assert.equal((await pull([[1, 256]])).items.length, 1)
  })
})

void describe('a treaty that is widened', () => {
  const OTHER = 'orders/other'
  const both = [TOPIC, OTHER]

  for (const [who, topics] of [
    ['the origin withheld', [TOPIC]],
    ['this hub refused for its topic', both]
  ] as const)
    void test(`brings what ${who} before, once`, async () => {
      const { hubs, clock } = await island(2)
      const [here, there] = hubs as [IslandHub, IslandHub]
      there.topics = topics
      for (const [n, topic] of [TOPIC, OTHER, TOPIC, OTHER].entries()) await there.send(`message ${n}`, topic)
      here.link(there.id, there.serving)
      await here.round()
      const before = await here.texts(OTHER)
      const { bytes } = here.book.of(SHARE)[0]!.stored

      here.topics = both
      there.topics = both
      for (let round = 0; round < 2; round++) {
        clock.pass(61)
        await here.round()
      }
      await here.restart()
      here.link(there.id, there.serving)
      await here.round()

      assert.deepEqual(before, [])
      assert.deepEqual(await here.texts(OTHER), ['message 1', 'message 3'])
      assert.deepEqual(await here.texts(), ['message 0', 'message 2'])
      assert.deepEqual(here.book.counts(there.id), { lag: 0, gap: 0 })
      assert.ok(here.book.of(SHARE)[0]!.stored.bytes < 2.1 * bytes)
    })

  void test('brings what it withheld in a few stretches a round, and leaves room for what is new', async () => {
    const { hubs, clock } = await island(2)
    const [here, there] = hubs as [IslandHub, IslandHub]
    const count = 2 * SHARES.stretches
    for (let n = 0; n < count; n++) await there.send(`message ${n}`, n % 2 === 0 ? TOPIC : OTHER)
    here.link(there.id, there.serving)
    await here.round()

    here.topics = both
    there.topics = both
    await here.round()
    const once = (await here.texts(OTHER)).length
    for (let round = 0; round < 3; round++) {
      clock.pass(61)
      await here.round()
    }

    assert.equal(once, SHARES.stretches / 2)
    assert.equal((await here.texts(OTHER)).length, count / 2)
    assert.deepEqual(here.refused, [])
  })
})
