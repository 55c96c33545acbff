import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { afterFailure, backoffMs } from './attempts.ts'
import { Deadlines } from './deadlines.ts'
import { FairTurns } from './fair-turns.ts'
import { parseLease } from './lease-token.ts'
import { LEASE_BOUNDS, Leases } from './leases.ts'
import { addToHistory, decodeHistory, decodeMeta, encodeMeta } from './message-meta.ts'
import { TopicQueue } from './topic-queue.ts'
import type { Receiver } from './topic-queue.ts'
import { TopicRules, circles, parseRule } from './topic-rules.ts'
import type { RuleFor } from './topic-rules.ts'
import { RULE } from './mailbox.fixture.ts'

describe('backoff', () => {
  test('is drawn from 0 to 200 ms doubled for each attempt, and to 60 s at most', () => {
    const almost = (): number => 1 - Number.EPSILON

    assert.equal(
      backoffMs(1, () => 0),
      0
    )
    assert.equal(backoffMs(1, almost), 399)
    assert.equal(backoffMs(3, almost), 1599)
    assert.equal(backoffMs(20, almost), 59_999)
  })

  const failed = { attempt: 1, mostAttempts: 2, now: 1000, expiresAtMs: 5000, delayMs: undefined }

  test('a failed attempt sends the message back, later, to the dead letters or away', () => {
    assert.deepEqual(afterFailure(failed), { is: 'return' })
    assert.deepEqual(afterFailure({ ...failed, delayMs: 10 }), { is: 'postpone', untilMs: 1010 })
    assert.deepEqual(afterFailure({ ...failed, attempt: 2, delayMs: 10 }), { is: 'bury' })
    assert.deepEqual(afterFailure({ ...failed, attempt: 2, now: 5000 }), { is: 'expire' })
  })
})

describe('deadlines', () => {
  test('name what is due, the longest overdue first, each once, and not what was moved or is gone', () => {
    const gone = new Set<object>()
    const deadlines = new Deadlines<{ deadlineMs: number }>(item => !gone.has(item))
    const items = [50, 10, 40, 20, 30].map(deadlineMs => ({ deadlineMs }))
    for (const item of items) deadlines.add(item)
    const [, ten, forty, twenty] = items
    forty!.deadlineMs = 100
    deadlines.add(forty!)
    gone.add(twenty!)

    assert.deepEqual(
      deadlines.passed(50, 2).map(({ deadlineMs }) => deadlineMs),
      [10, 30]
    )
    assert.deepEqual(
      deadlines.passed(50, 9).map(({ deadlineMs }) => deadlineMs),
      [50]
    )
    assert.deepEqual(deadlines.passed(100, 9), [forty])
    assert.equal(ten!.deadlineMs, 10)
  })

  test('name once what was added twice with one deadline, and do not grow by it', () => {
    const deadlines = new Deadlines<{ deadlineMs: number }>(() => true)
    const item = { deadlineMs: 5 }
    for (let n = 0; n < 1000; n++) {
      deadlines.add(item)
      deadlines.compact(1)
    }

    assert.ok(deadlines.size < 100, `${deadlines.size} deadlines of one item`)
    assert.deepEqual(deadlines.passed(5, 9), [item])
  })
})

describe('turns', () => {
  test('tenants take turns: one with many jobs delays another by one', async () => {
    const turns = new FairTurns(1)
    const done: string[] = []
    const all: Promise<void>[] = []
    const add = (tenant: string, name: string): void => {
      all.push(
        new Promise(resolve =>
          turns.add(tenant, async () => {
            await Promise.resolve()
            done.push(name)
            resolve()
          })
        )
      )
    }
    for (let n = 1; n <= 4; n++) add('greedy', `greedy${n}`)
    add('quiet', 'quiet')

    await Promise.all(all)

    assert.deepEqual(done, ['greedy1', 'greedy2', 'quiet', 'greedy3', 'greedy4'])
  })

  test('topics of a tenant take turns: one that comes again stands behind the others', async () => {
    const turns = new FairTurns(1)
    const done: string[] = []
    const over = Promise.withResolvers<void>()
    const add = (topic: string, more: number): void =>
      turns.add('t', async () => {
        await Promise.resolve()
        done.push(topic)
        if (more > 0) add(topic, more - 1)
        else if (topic === 'greedy') over.resolve()
      })

    add('greedy', 2)
    add('b', 0)
    add('c', 0)
    await over.promise

    assert.deepEqual(done, ['greedy', 'b', 'c', 'greedy', 'greedy'])
  })

  test('a topic has one read that waits or runs, however many receivers it has', async () => {
    const jobs: (() => Promise<void>)[] = []
    let nothing = 0
    const queue = new TopicQueue(
      { tenant: 't', topic: 'a' },
      {
        room: () => 100,
        withoutRoom: () => assert.fail('there is room'),
        isTaken: () => false,
        isFresh: () => true,
        read: () => Promise.resolve([]),
        inTurn: job => void jobs.push(job)
      }
    )
    const receiver: Receiver = {
      most: 1,
      mostBytes: 1,
      waits: false,
      give: () => assert.fail('there was nothing'),
      nothing: () => void nothing++,
      fail: error => assert.fail(error as Error)
    }

    for (let n = 0; n < 5; n++) queue.add({ ...receiver })

    assert.equal(jobs.length, 1)
    await jobs[0]!()
    assert.deepEqual([jobs.length, nothing], [1, 5])
  })
})

describe('leases', () => {
  const place = (id: string, tenant = 't') => ({ tenant, topic: 'a', priority: 4, id: id.padStart(26, '0') })
  const request = { attempt: 1, deadlineMs: 1000, bytes: 1, asksForReceipts: false }

  test('are bound for a topic, a tenant and the node', () => {
    const leases = new Leases(1, { ofTopic: 3, ofTenant: 4, ofNode: 6, remembered: 1 })
    for (const id of ['1', '2']) leases.give(place(id), request)

    assert.equal(leases.room({ tenant: 't', topic: 'a' }), 1)
    assert.equal(leases.room({ tenant: 't', topic: 'b' }), 2)
    assert.equal(leases.room({ tenant: 'u', topic: 'a' }), 3)
    for (const id of ['1', '2']) leases.give(place(id, 'u'), request)
    assert.equal(leases.room({ tenant: 'v', topic: 'a' }), 2)
  })

  test('each passes once, and not while it is being ended', () => {
    const leases = new Leases(1, LEASE_BOUNDS)
    const ending = leases.give(place('1'), request)
    const passing = leases.give(place('2'), request)
    ending.isEnding = true

    assert.deepEqual(leases.passed(1000, 9), [passing])
    assert.deepEqual(leases.passed(1000, 9), [])
    leases.resume(ending)
    assert.deepEqual(leases.passed(1000, 9), [ending])
  })

  test('pass once, however often they were extended or could not be ended at one time', () => {
    const leases = new Leases(1)
    const lease = leases.give(place('1'), request)
    for (let n = 0; n < 3; n++) leases.extend(lease, 2000)
    leases.resume(lease)

    assert.deepEqual(leases.passed(2000, 9), [lease])
    assert.deepEqual(leases.passed(2000, 9), [])
  })

  test('have tokens that are drawn anew for each, not from what a caller could know', t => {
    t.mock.method(Math, 'random', () => 0.5)
    t.mock.method(Date, 'now', () => 0)
    const nonces = [new Leases(1), new Leases(1)].flatMap(leases =>
      Array.from({ length: 1000 }, () => {
        const lease = leases.give(place('1'), request)
        const { nonce } = parseLease(leases.token(lease))!
        leases.end(lease)
        return nonce
      })
    )

    assert.equal(new Set(nonces).size, nonces.length)
    // Each of its 16 digits takes each of 16 values.
    for (let digit = 0; digit < 16; digit++)
      assert.equal(new Set(nonces.map(nonce => nonce[digit])).size, 16, `digit ${digit}`)
  })

  test('of those that acknowledged their message only so many are remembered', () => {
    const leases = new Leases(1, { ...LEASE_BOUNDS, remembered: 2 })
    const [first, between, second] = ['1', '2', '3'].map(id => leases.give(place(id), request))
    for (const lease of [first!, between!, second!]) leases.end(lease, { acked: true })
    const judge = (lease: typeof first) =>
      leases.judge(lease!.place, lease!.place.id, leases.token(lease!), 0)

    assert.deepEqual([judge(first), judge(second)], ['lease_expired', 'already_acked'])
  })
})

describe('what a message keeps beside its body', () => {
  test('comes out as it went in', () => {
    for (const meta of [
      {},
      { e2e: true, comp: true },
      {
        auto: true,
        attrs: { a: 'é' },
        replyTopic: 'r',
        receipt: ['acked' as const],
        bounce: true,
        bodyHash: '00'
      }
    ])
      assert.deepEqual(decodeMeta(encodeMeta(meta)), meta)
  })

  test('is two bytes where there is nothing to say', () => {
    assert.equal(encodeMeta({}).length, 2)
    assert.throws(() => decodeMeta(Uint8Array.of(2, 0)), RangeError)
  })

  test('of its history the newest 32 attempts', () => {
    let history: Uint8Array = new Uint8Array(0)
    for (let attempt = 1; attempt <= 40; attempt++)
      history = addToHistory(history, { attempt, at: 1, outcome: 'nacked', reason: 'x'.repeat(256) })

    const entries = decodeHistory(history)
    assert.deepEqual([entries.length, entries[0]!.attempt, entries.at(-1)!.attempt], [32, 9, 40])
    assert.ok(history.length < 65_536)
  })
})

describe('rules', () => {
  const rule = (text: string): RuleFor => {
    const parsed = parseRule(text)
    assert.notEqual(typeof parsed, 'string')
    return parsed as RuleFor
  }

  test('the first that says something of a topic holds, then the default', () => {
    const rules = new TopicRules(
      [rule('a/b max_attempts=2'), rule('a/** max_attempts=3 depth=7 dead_letter_topic=failed')],
      RULE
    )

    assert.deepEqual(rules.of('a/b'), { ...RULE, maxAttempts: 2, depth: 7, deadLetterTopic: 'failed' })
    assert.equal(rules.of('a/c').maxAttempts, 3)
    assert.equal(rules.of('b'), rules.of('c'))
  })

  for (const [text, problem] of [
    ['', /no topic pattern/],
    ['a', /says nothing/],
    ['a//b depth=1', /no topic pattern/],
    ['a depth', /one of/],
    ['a depth=0', /from 1/],
    ['a depth=1.5', /a number/],
    ['a size=1', /one of/],
    ['a dead_letter_topic=b//c', /no topic/],
    ['a/* dead_letter_topic=a/b', /its own topics/]
  ] as const) {
    test(`"${text}" is no rule`, () => assert.match(parseRule(text) as string, problem))
  }

  test('dead letter topics that lead in a circle are found', () => {
    const a = rule('a dead_letter_topic=b')
    const b = rule('b dead_letter_topic=c')

    assert.deepEqual(circles([a, b]), [])
    assert.deepEqual(circles([a, b, rule('c dead_letter_topic=a')]), ['a', 'b', 'c'])
  })
})
