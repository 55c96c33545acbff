import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { ENDS } from './ends.ts'
import type { EndCode } from './ends.ts'
import { FetchPlan, PLAN_BOUNDS } from './fetch-plan.ts'
import { LEAF, simulate } from './simulated-fetch.fixture.ts'
import type { Behaviour, SimulatedProvider } from './simulated-fetch.fixture.ts'

const MIB = 1_048_576
const ALL = [{ from: 0, to: Infinity }]

void describe('a fetch', () => {
  void test('asks the first provider for all that is missing', () => {
    const plan = new FetchPlan({ missing: [{ from: 100, to: 900 }] })

    const actions = plan.step({ is: 'found', provider: 'a', via: 'link' }, 0)

    assert.deepEqual(actions, [{ do: 'ask', provider: 'a', from: 100, to: 900 }])
  })

  void test('goes on with the next provider where the one that failed stopped', () => {
    const plan = new FetchPlan({ missing: ALL })
    plan.step({ is: 'found', provider: 'a', via: 'link' }, 0)
    plan.step({ is: 'total', bytes: 10 * LEAF }, 1)
    plan.step({ is: 'proved', provider: 'a', from: 0, to: 3 * LEAF }, 2)
    plan.step({ is: 'found', provider: 'b', via: 'link' }, 3)

    const actions = plan.step({ is: 'ended', provider: 'a', code: 'bad_block' }, 4)

    assert.deepEqual(actions, [{ do: 'ask', provider: 'b', from: 3 * LEAF, to: 10 * LEAF }])
  })

  void test('asks another for the same after 250 ms of silence, and lets the one go that says nothing', () => {
    const plan = new FetchPlan({ missing: ALL })
    plan.step({ is: 'found', provider: 'a', via: 'link' }, 0)
    plan.step({ is: 'found', provider: 'b', via: 'dht' }, 0)

    assert.deepEqual(plan.step({ is: 'tick' }, 249), [])
    assert.equal(plan.wakeMs(0), 250)
    const hedged = plan.step({ is: 'tick' }, 250)
    plan.step({ is: 'total', bytes: 8 * LEAF }, 300)
    const won = plan.step({ is: 'proved', provider: 'b', from: 0, to: LEAF }, 300)

    assert.deepEqual(hedged, [{ do: 'ask', provider: 'b', from: 0, to: Infinity }])
    assert.deepEqual(won, [{ do: 'stop', provider: 'a', code: 'outrun' }])
  })

  void test('shares the rest of what one will need long for, and cuts its range', () => {
    const plan = new FetchPlan({ missing: ALL })
    plan.step({ is: 'found', provider: 'a', via: 'link' }, 0)
    plan.step({ is: 'total', bytes: 101 * MIB }, 10)
    plan.step({ is: 'proved', provider: 'a', from: 0, to: MIB }, 300)

    const actions = plan.step({ is: 'found', provider: 'b', via: 'link' }, 301)

    assert.deepEqual(actions, [
      { do: 'cut', provider: 'a', to: 51 * MIB },
      { do: 'ask', provider: 'b', from: 51 * MIB, to: 101 * MIB }
    ])
  })

  void test('keeps to its window ahead of the reader', () => {
    const plan = new FetchPlan({ missing: ALL, isRead: true, bounds: { windowBytes: MIB } })

    const first = plan.step({ is: 'found', provider: 'a', via: 'link' }, 0)
    plan.step({ is: 'total', bytes: 3 * MIB }, 1)
    plan.step({ is: 'proved', provider: 'a', from: 0, to: MIB }, 2)
    const full = plan.step({ is: 'ended', provider: 'a', code: 'done' }, 2)
    const read = plan.step({ is: 'read', upTo: MIB / 2 }, 3)

    assert.deepEqual(first, [{ do: 'ask', provider: 'a', from: 0, to: MIB }])
    assert.deepEqual(full, [])
    assert.deepEqual(read, [{ do: 'ask', provider: 'a', from: MIB, to: 1.5 * MIB }])
  })

  void test('asks a provider only for what it has, and fails when nobody has the rest', () => {
    const plan = new FetchPlan({ missing: [{ from: 0, to: 10 * LEAF }] })
    const has = [{ from: 2 * LEAF, to: 4 * LEAF }]

    const asked = plan.step({ is: 'found', provider: 'a', via: 'link', has }, 0)
    plan.step({ is: 'searched' }, 0)
    plan.step({ is: 'proved', provider: 'a', from: 2 * LEAF, to: 4 * LEAF }, 1)
    const ended = plan.step({ is: 'ended', provider: 'a', code: 'done' }, 1)

    assert.deepEqual(asked, [{ do: 'ask', provider: 'a', ...has[0] }])
    assert.deepEqual(ended, [{ do: 'fail' }])
    assert.deepEqual(plan.missing, [
      { from: 0, to: 2 * LEAF },
      { from: 4 * LEAF, to: 10 * LEAF }
    ])
  })

  void test('never asks one that lied a while ago, and one that stalled only after the others', () => {
    const plan = new FetchPlan({ missing: ALL, bounds: { atOnce: 1 } })
    const bar = (code: EndCode) => ({ code, untilMs: 1e6 })

    const liar = plan.step({ is: 'found', provider: 'a', via: 'link', bar: bar('bad_block') }, 0)
    const slow = plan.step({ is: 'found', provider: 'b', via: 'link', bar: bar('stalled') }, 0)
    plan.step({ is: 'found', provider: 'c', via: 'dht' }, 0)
    const after = plan.step({ is: 'ended', provider: 'b', code: 'dropped' }, 1)

    assert.deepEqual(liar, [])
    assert.deepEqual(slow, [{ do: 'ask', provider: 'b', from: 0, to: Infinity }])
    assert.deepEqual(after, [{ do: 'ask', provider: 'c', from: 0, to: Infinity }])
    assert.equal(plan.providers[0]!.ended, 'barred')
  })

  void test('waits as long as a provider asks it to, when there is no other', () => {
    const plan = new FetchPlan({ missing: ALL })
    plan.step({ is: 'found', provider: 'a', via: 'link' }, 0)
    plan.step({ is: 'searched' }, 0)

    const refused = plan.step(
      { is: 'ended', provider: 'a', code: 'refused', detail: 'saturated', waitMs: 3000 },
      10
    )

    assert.deepEqual(refused, [])
    assert.equal(plan.wakeMs(10), 3010)
    assert.deepEqual(plan.step({ is: 'tick' }, 3010), [{ do: 'ask', provider: 'a', from: 0, to: Infinity }])
  })

  void test('says of each provider how far it came and why it stopped', () => {
    const { ended, plan } = simulate(10 * LEAF, [
      provider({ kind: 'ends', code: 'bad_block', after: 2 * LEAF }),
      provider({ kind: 'stalls', after: LEAF }),
      provider({ kind: 'ends', code: 'not_found', after: 0 })
    ])

    assert.equal(ended, 'fail')
    assert.deepEqual(
      plan.providers.map(({ ended, reached, bytes }) => [ended, reached, bytes]),
      [
        ['bad_block', 2 * LEAF, 2 * LEAF],
        ['stalled', 4 * LEAF, 2 * LEAF],
        ['not_found', 2 * LEAF, 0]
      ]
    )
  })

  void test('says that a provider took no time before it answered anything', () => {
    const plan = new FetchPlan({ missing: ALL })
    plan.step({ is: 'found', provider: 'a', via: 'link' }, 5000)

    assert.deepEqual(
      plan.providers.map(({ asked, ms, ended }) => [asked, ms, ended]),
      [[1, 0, undefined]]
    )
  })

  void test('wants more providers only while those it has are silent or slow', () => {
    const plan = new FetchPlan({ missing: ALL })

    assert.equal(plan.wantsProviders(0), true)
    plan.step({ is: 'found', provider: 'a', via: 'link' }, 0)
    assert.equal(plan.wantsProviders(249), false)
    plan.step({ is: 'total', bytes: 64 * MIB }, 100)
    plan.step({ is: 'proved', provider: 'a', from: 0, to: 20 * MIB }, 100)
    assert.equal(plan.wantsProviders(101), false)
    assert.equal(plan.wantsProviders(351), true)
    plan.step({ is: 'searched' }, 352)
    assert.equal(plan.wantsProviders(353), false)
  })
})

const honest = fc.record({
  foundMs: fc.nat(2000),
  latencyMs: fc.nat(200),
  leafMs: fc.integer({ min: 1, max: 50 }),
  behaviour: fc.constant<Behaviour>({ kind: 'honest' })
})

const after = fc.nat(40).map(leaves => leaves * LEAF)
const FAILURES = (Object.keys(ENDS) as EndCode[]).filter(
  code => !['done', 'outrun', 'barred', 'stalled'].includes(code)
)
const SLOWEST_LEAF_MS = 500
const faulty = fc.record({
  foundMs: fc.nat(2000),
  latencyMs: fc.nat(200),
  leafMs: fc.integer({ min: 1, max: SLOWEST_LEAF_MS }),
  behaviour: fc.oneof(
    fc.record({ kind: fc.constant('ends' as const), code: fc.constantFrom(...FAILURES), after }),
    fc.record({ kind: fc.constant('stalls' as const), after })
  )
})
const length = fc.nat(200).map(leaves => leaves * LEAF + 17)

void describe('whatever the providers do, a fetch', () => {
  void test('is complete in time when one of them is honest', () => {
    fc.assert(
      fc.property(
        length,
        honest,
        fc.array(faulty, { maxLength: 7 }),
        fc.nat(7),
        (total, good, bad, place) => {
          const providers = [...bad.slice(0, place), good, ...bad.slice(place)]

          const { ended, ms, plan } = simulate(total, providers)

          assert.equal(ended, 'succeed')
          assert.deepEqual(plan.missing, [])
          assert.ok(ms <= longest(total, good, bad.length), `${ms} ms`)
        }
      ),
      { numRuns: 300 }
    )
  })

  void test('fails in time when none is, and names all', () => {
    fc.assert(
      fc.property(length, fc.array(faulty, { maxLength: 8 }), (total, providers) => {
        const { ended, ms, plan } = simulate(total, providers)

        // Those that break off may together have brought all of it.
        if (ended === 'succeed') return assert.deepEqual(plan.missing, [])
        assert.equal(ended, 'fail')
        assert.equal(plan.providers.length, providers.length)
        assert.ok(plan.providers.every(({ asked, ended }) => asked > 0 && ended !== undefined))
        // All of it at the pace of the slowest, and for each what it lets the fetch wait.
        assert.ok(
          ms <= 2000 + SLOWEST_LEAF_MS * Math.ceil(total / LEAF) + providers.length * 60_000,
          `${ms} ms`
        )
      }),
      { numRuns: 300 }
    )
  })

  void test('never asks more than four at once, nor a liar again, nor for what it has', () => {
    fc.assert(
      fc.property(length, fc.array(fc.oneof(honest, faulty), { maxLength: 10 }), (total, providers) => {
        const { asks, trusted, mostAtOnce } = simulate(total, providers)

        assert.ok(mostAtOnce <= PLAN_BOUNDS.atOnce)
        assert.deepEqual(trusted, [])
        assert.ok(asks.every(({ from, to }) => from < to))
      })
    )
  })

  void test('has no byte sent more than twice over by providers that are honest', () => {
    fc.assert(
      fc.property(length, fc.array(honest, { minLength: 1, maxLength: 6 }), (total, providers) => {
        const { ended, sentBytes } = simulate(total, providers)

        assert.equal(ended, 'succeed')
        assert.ok(sentBytes <= 2 * total, `${sentBytes} of ${total}`)
      })
    )
  })
})

const provider = (behaviour: Behaviour): SimulatedProvider => ({
  foundMs: 0,
  latencyMs: 10,
  leafMs: 1,
  behaviour
})

/** The time that one honest provider needs for all, and what each of the others may cost: two stalls and their rests. */
const longest = (total: number, { foundMs, latencyMs, leafMs }: SimulatedProvider, others: number): number =>
  foundMs +
  2 * latencyMs +
  (Math.ceil(total / LEAF) + 1) * leafMs +
  2000 +
  (others + 1) * 2 * (PLAN_BOUNDS.stallMs + 1500)
