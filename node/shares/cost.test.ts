import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SHARE, WINDOW_S, island } from './island.fixture.ts'
import type { IslandHub } from './island.fixture.ts'

const ORIGINS = 20
const COMMON = 1_000_000
const DIFFERENT = 100
const WIRE_BYTES = 64 * 1024

const size = (value: unknown): number => Buffer.byteLength(JSON.stringify(value))

void test(`of ${COMMON} messages in common and ${DIFFERENT} that differ, a round costs what differs`, async t => {
  const { hubs } = await island(ORIGINS + 2, { isRelayed: true })
  const [here, there, ...origins] = hubs as [IslandHub, IslandHub, ...IslandHub[]]
  for (const origin of origins) {
    const { series } = origin.book.own(SHARE)
    const name = { share: SHARE, origin: origin.id, series }
    for (const hub of [here, there, origin]) {
      const known = hub.book.open(name, WINDOW_S)!
      await hub.book.underTerms(known, hub.terms.repeat(2))
      await hub.book.withhold(known, [[1, COMMON / ORIGINS]])
    }
    for (let n = 0; n < DIFFERENT / ORIGINS; n++) await origin.send(`${origin.id} ${n}`)
    there.link(origin.id, origin.serving)
  }
  await there.round()
  assert.equal((await there.texts()).length, DIFFERENT)

  let [wire, calls] = [0, 0]
  here.link(there.id, {
    async state(hub, asked) {
      const answer = await there.serving.state(hub, asked)
      wire += size(asked) + size(answer)
      calls++
      return answer
    },
    async pull(hub, asked) {
      const { items, ...rest } = await there.serving.pull(hub, asked)
      wire += size(asked) + size(rest)
      calls++
      return { items, ...rest }
    }
  })
  const before = process.cpuUsage()
  await here.round()
  const { user, system } = process.cpuUsage(before)

  assert.deepEqual(await here.texts(), await there.texts())
  assert.ok(wire < WIRE_BYTES, `${wire} bytes beside statements and bodies`)
  t.diagnostic(
    `${wire} bytes beside statements and bodies, ${calls} calls, ${(user + system) / 1000} ms of CPU of both`
  )
})
