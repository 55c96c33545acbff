import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { TestContext } from 'node:test'
import { DEFAULT_POLICY } from '../../federation/index.ts'
import { openLevel } from '../stores/level.ts'
import type { Level } from '../stores/level.ts'
import { decidedAgain } from './explaining.ts'
import { BUILT_IN, inForce } from './policy-in-force.ts'
import type { Standing } from '../../federation/index.ts'
import { evidence, hubNumber, item, judge } from './policy.fixture.ts'

const STRICT = inForce({ ...DEFAULT_POLICY, version: 2, max_bytes: 1000 })
const SMALL = { bytes: 100 }

async function store(t: TestContext): Promise<Level> {
  const level = await openLevel('memory')
  t.after(() => level.close())
  return level
}

describe('an item', () => {
  test('that is accepted is counted, and the count is recorded by kind and policy', async t => {
    let policy = BUILT_IN
    const { judging, entries } = await judge(await store(t), { policy: () => policy })

    for (const n of [1, 2, 3])
      assert.deepEqual(await judging.take(evidence(n, SMALL), item()), {
        verdict: 'accept',
        reasons: ['known_type']
      })
    policy = STRICT
    await judging.take(evidence(4, SMALL), item())
    await judging.take(evidence(5, { ...SMALL, kind: 'mailbox.directed' }), item())
    assert.deepEqual(entries, [])
    await judging.flush()
    await judging.flush()

    assert.deepEqual(
      entries.map(({ type, data }) => [type, data['kind'], data['policy_version'], data['count']]),
      [
        ['accepted', 'mailbox.shared', 1, 3],
        ['accepted', 'mailbox.shared', 2, 1],
        ['accepted', 'mailbox.directed', 2, 1]
      ]
    )
  })

  test('that comes again since it could not be delivered is counted once', async t => {
    const { judging, entries } = await judge(await store(t))
    for (let n = 0; n < 3; n++) await judging.take(evidence(1, SMALL), item())
    await judging.take(evidence(2, SMALL), item())

    await judging.flush()

    assert.deepEqual(
      entries.map(({ data }) => data['count']),
      [2]
    )
  })

  test('keeps its count when that cannot be recorded, and is counted once', async t => {
    let isBroken = true
    const record = (): Promise<void> => (isBroken ? Promise.reject(new Error('no log')) : Promise.resolve())
    const { judging, entries } = await judge(await store(t), { record })

    await judging.take(evidence(1, SMALL), item())
    await assert.rejects(judging.flush(), /no log/)
    await judging.take(evidence(2, SMALL), item())
    isBroken = false
    await judging.flush()

    assert.deepEqual(
      entries.map(({ data }) => data['count']),
      [2]
    )
  })

  test('that is not accepted is in the log before it is answered', async t => {
    const log = Promise.withResolvers<void>()
    const { judging, entries, quarantine } = await judge(await store(t), {
      record: () => log.promise
    })
    const answered: string[] = []
    const takes = [
      judging.take(evidence(1, { type: 'other' }), item()).then(() => answered.push('rejected')),
      judging.take(evidence(2), item()).then(() => answered.push('kept'))
    ]
    await new Promise(resolve => setImmediate(resolve))

    assert.deepEqual([answered, quarantine.items], [[], 0])
    log.resolve()
    await Promise.all(takes)
    assert.deepEqual(
      entries.map(({ data }) => (data['record'] as { decision: string }).decision),
      ['reject', 'quarantine']
    )
  })

  test('is neither kept nor answered when that cannot be recorded', async t => {
    const { judging, quarantine } = await judge(await store(t), {
      record: () => Promise.reject(new Error('no log'))
    })

    await assert.rejects(judging.take(evidence(1), item()), /no log/)
    assert.equal(quarantine.items, 0)
    assert.equal(quarantine.bytes, 0)
  })

  test('that waits is answered as it was, whatever the policy says now, and recorded once', async t => {
    let policy = BUILT_IN
    const { judging, entries } = await judge(await store(t), { policy: () => policy })

    const first = await judging.take(evidence(1), item())
    policy = STRICT
    const [again, together] = await Promise.all([
      judging.take(evidence(1), item()),
      judging.take(evidence(1), item())
    ])

    assert.deepEqual(first, { verdict: 'quarantine', reasons: ['known_type', 'large_body'] })
    assert.deepEqual([again, together], [first, first])
    assert.equal(entries.length, 1)
  })

  test('that comes two ways at once is judged and kept once', async t => {
    const { judging, entries, quarantine } = await judge(await store(t))

    await Promise.all([1, 2, 3].map(() => judging.take(evidence(1), item())))

    assert.deepEqual([entries.length, quarantine.items], [1, 1])
  })

  test('that comes beside a forged copy is judged by itself', async t => {
    const { judging, entries } = await judge(await store(t))

    const [forged, good] = await Promise.all([
      judging.take(evidence(1, { ...SMALL, signature: 'bad' }), item()),
      judging.take(evidence(1, SMALL), item())
    ])

    assert.deepEqual([forged.verdict, good.verdict, entries.length], ['reject', 'accept', 1])
  })

  test('of evidence that is none is refused', async t => {
    const { judging } = await judge(await store(t))

    for (const wrong of [{ bytes: -1 }, { id: 'x' }, { origin: 'h1' }, { number: undefined as never }])
      await assert.rejects(judging.take(evidence(1, wrong), item()), { code: 'bad_request' })
  })
})

describe('an item whose origin may send nothing at the moment', () => {
  for (const [standing, why] of [
    ['quarantined', 'origin_quarantined'],
    ['expired', 'treaty_expired'],
    ['unknown', 'not_allowlisted']
  ] as const)
    test(`because it is ${standing} is not decided, and is judged anew once that is over`, async t => {
      let now: Standing = standing
      const { judging, entries, verdicts } = await judge(await store(t), { standing: () => now })
      const take = () => judging.take(evidence(1, SMALL), item())

      assert.deepEqual(await take(), { verdict: 'reject', reasons: [why], retryAfterMs: 60_000 })
      now = 'allowed'
      assert.equal((await take()).verdict, 'accept')

      assert.deepEqual([entries, verdicts], [[], ['standing', 'accept']])
    })

  test('is rejected for what is wrong with itself', async t => {
    const { judging, entries } = await judge(await store(t), { standing: () => 'quarantined' })

    const forged = await judging.take(evidence(1, { ...SMALL, signature: 'bad' }), item())
    const huge = await judging.take(evidence(2, { bytes: 2 ** 21 }), item())

    assert.deepEqual([forged.retryAfterMs, huge.retryAfterMs], [undefined, undefined])
    assert.equal(entries.length, 2)
  })
})

test('recorded evidence, decided again by the policy of the recorded hash, gives the recorded decision', async t => {
  const { judging, entries } = await judge(await store(t))
  await judging.take(evidence(1), item())
  await judging.take(evidence(2, { type: 'other' }), item())
  await judging.take(evidence(3, { signature: 'revoked' }), item())

  const recorded = entries.map(({ data }) => data as never)
  assert.equal(recorded.length, 3)
  for (const one of recorded) {
    assert.equal(decidedAgain(one, DEFAULT_POLICY).isSame, true)
    assert.equal(decidedAgain(one, { ...DEFAULT_POLICY, rules: {} }).isSame, false)
  }
})

describe('rejections', () => {
  test('of one origin beyond ten a second are not decided, and come again', async t => {
    let nowMs = 5200
    const { judging, entries, verdicts } = await judge(await store(t), { now: () => nowMs })
    const take = (n: number) => judging.take(evidence(n, { type: 'other' }), item())

    for (let n = 1; n <= 10; n++) assert.equal((await take(n)).retryAfterMs, undefined)
    assert.deepEqual(await take(11), {
      verdict: 'reject',
      reasons: ['too_many_rejections'],
      retryAfterMs: 800
    })
    assert.equal(entries.length, 10)
    assert.equal(verdicts.at(-1), 'no_room')
    nowMs = 6000
    assert.equal((await take(11)).retryAfterMs, undefined)
  })

  test('of all origins have a bound', async t => {
    const { judging, entries } = await judge(await store(t))

    for (let n = 1; n <= 150; n++)
      await judging.take(evidence(n, { type: 'other', origin: hubNumber(1 + (n % 20)) }), item())

    assert.equal(entries.length, 100)
  })
})
