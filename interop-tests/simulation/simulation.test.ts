import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'
import { BREAKAGES } from './breakages.ts'
import type { Breakage } from './breakages.ts'
import { costOf } from './cost.ts'
import { drawPlan, reduced } from './plan.ts'
import { PLANS } from './plans.fixture.ts'
import { shrink } from './shrink.ts'
import { simulate } from './simulation.ts'

const LONG = { timeout: 600_000 }

test(
  'one seed is one run: hubs that stop, are cut off and lie agree in the end, with the same trace',
  LONG,
  async t => {
    const plan = drawPlan(2, { hubs: 8, steps: 20 })

    const first = await simulate(plan)
    const second = await simulate(drawPlan(2, { hubs: 8, steps: 20 }))
    const other = await simulate(drawPlan(3, { hubs: 8, steps: 20 }))

    assert.deepEqual(first.violations, [])
    assert.deepEqual(second, first)
    assert.notEqual(other.trace, first.trace)
    assert.ok(first.delivered > 0 && first.stops > 0 && first.quarantines > 0)
    t.diagnostic(`${first.delivered} delivered, ${first.stops} stops, ${first.quarantines} quarantines`)
  }
)

for (const [breakage, invariant] of Object.entries(BREAKAGES))
  test(
    `hubs that break the rule ${breakage} are found to break ${invariant}, and others are not`,
    LONG,
    async () => {
      const plan = PLANS[breakage as Breakage]

      const sound = await simulate(plan)
      const broken = await simulate(plan, { breakage: breakage as Breakage })

      assert.deepEqual(sound.violations, [])
      assert.deepEqual([...new Set(broken.violations.map(violation => violation.invariant))], [invariant])
    }
  )

test('a plan that fails is made smaller, and what is left fails when it is drawn again', LONG, async t => {
  const drawn = drawPlan(1, { hubs: 5, steps: 15 })
  const attempt = (plan: typeof drawn) => simulate(plan, { breakage: 'forget' })
  assert.ok((await attempt(drawn)).violations.some(({ invariant }) => invariant === 'once'))

  const { hubs, events, plan, runs } = await shrink(drawn, 'once', attempt, 60)
  const again = await attempt(reduced(drawPlan(1, { hubs: 5, steps: 15 }), { hubs, events }))

  assert.ok(plan.hubs.length < drawn.hubs.length)
  assert.ok(plan.events.length <= 3, `${plan.events.length} events`)
  assert.ok(again.violations.some(({ invariant }) => invariant === 'once'))
  t.diagnostic(`${plan.hubs.length} hubs and ${plan.events.length} events after ${runs} runs`)
})

test(
  'a hub that shows each neighbour one of two messages is found by all as soon as these show each other theirs',
  LONG,
  async () => {
    const members = [0, 1, 2, 3]
    const plan = {
      ...PLANS.secretive,
      hubs: members,
      events: [{ n: 0, is: 'send' as const, hub: 0, share: 0, atMs: 15_000 }],
      liars: new Map([[0, 'two-faced' as const]])
    }

    const { believed, quarantines, violations } = await simulate({
      ...plan,
      shares: [{ n: 0, members, isRelayed: true }]
    })

    assert.deepEqual(violations, [])
    assert.deepEqual(believed, { liars: 1, unproved: 0 })
    assert.equal(quarantines, 3)
  }
)

test(
  'what a neighbour leaves out of what another sent comes from its origin, as soon as that can be reached',
  LONG,
  async () => {
    const members = [0, 1, 2]
    const sends = [0, 1, 2, 3].map(n => ({
      n,
      is: 'send' as const,
      hub: 0,
      share: 0,
      atMs: 16_000 + n * 3000
    }))

    const { violations, delivered } = await simulate({
      ...PLANS.forget,
      hubs: members,
      liars: new Map([[2, 'holes']]),
      shares: [{ n: 0, members, isRelayed: true }],
      events: [{ n: 4, is: 'cut', hub: 0, to: 1, atMs: 14_000, forMs: 120_000 }, ...sends],
      spanMs: 100_000
    })

    assert.deepEqual(violations, [])
    assert.equal(delivered, 8)
  }
)

test('a hub asks each other of a share once a minute, and fetches a message once', LONG, async () => {
  const { rounds, pulls, hubs } = await costOf(4, false)

  assert.equal(hubs, 4)
  assert.equal(pulls, 1)
  // A round that meets a message on its way is followed by another.
  assert.ok(rounds >= 3 && rounds < 6, `${rounds} exchanges a minute`)
})

test(
  'the command exits with 64 for wrong arguments, and with 1 and the plan when something did not hold',
  LONG,
  () => {
    const run = (...args: string[]) =>
      spawnSync(
        process.execPath,
        ['--disable-warning=ExperimentalWarning', 'interop-tests/simulation/run.ts', ...args],
        {
          encoding: 'utf8'
        }
      )

    const wrong = run('--hubs', '1')
    const broken = run('--hubs', '5', '--steps', '15', '--seed', '1', '--break', 'forget')

    assert.equal(wrong.status, 64)
    assert.match(wrong.stderr, /--hubs 1: give a whole number from 2/)
    assert.equal(broken.status, 1)
    const last: unknown = JSON.parse(broken.stdout.trim().split('\n').at(-1)!)
    assert.equal((last as { readonly held: boolean }).held, false)
    assert.match(broken.stdout, /^npm run simulate -- --hubs 5 .*--events .* --break forget$/m)
  }
)
