import assert from 'node:assert/strict'
import test from 'node:test'
import { serve } from './late-calls.fixture.ts'
import { LateCalls } from './late-calls.ts'

const MOST_MS = 100
const TICK_MS = 25
const CALLERS = 64
const FOR_MS = 10_000

const each = (total: number, callers = CALLERS): number[] =>
  Array.from({ length: callers }, () => total / callers)
const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0)
const quantile = (values: readonly number[], q: number): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length * q)]!

/** Calls that the test makes itself, in a time that it sets; `random` gives a half. */
function judging() {
  let now = 0
  const ends: (() => void)[] = []
  const late = new LateCalls({
    mostDelayMs: MOST_MS,
    tickMs: TICK_MS,
    now: () => now,
    afterTurn: run => void ends.push(run),
    random: () => 0.5
  })
  const at = (ms: number, caller = 'a', relieves = false): boolean => {
    now = ms
    return late.refuses(caller, relieves, now)
  }
  const turnEnds = (ms: number): void => {
    now = ms
    for (const end of ends.splice(0)) end()
    late.tick(now)
  }
  /** Turns of 200 ms with most calls at their begin, the last of which ends at 1000. */
  const overload = (): void => {
    for (const from of [0, 300, 600, 800]) {
      for (const ms of [60, 61, 62]) at(from + ms)
      at(from + 199, 'b')
      turnEnds(from + 200)
    }
  }
  /** Time with nothing to do, until `to`. */
  const idle = (to: number): void => {
    for (now += TICK_MS; now < to; now += TICK_MS) late.tick(now)
    late.tick((now = to))
  }
  return { late, at, turnEnds, overload, idle, planned: () => ends.length }
}

test('five times as many calls as are possible: nearly as many are served as are possible, and soon', () => {
  const { good, refused, waitedMs } = serve(MOST_MS, {
    perSecond: each(5000),
    forMs: FOR_MS,
    workMs: 1
  })

  const possible = FOR_MS / 1.03
  assert.ok(sum(good) >= 0.85 * possible, `${sum(good)} of ${possible} served`)
  assert.ok(sum(refused) > 3 * sum(good))
  const p50 = quantile(waitedMs, 0.5)
  assert.ok(p50 <= MOST_MS, `p50 ${p50} ms`)
  const last = quantile(waitedMs.slice(-5000), 0.99)
  assert.ok(last <= 2.5 * MOST_MS, `p99 of the second half ${last} ms`)
})

test('no caller is served at the cost of others who ask for as much, whoever is read first', () => {
  const { good } = serve(MOST_MS, { perSecond: each(5000), forMs: FOR_MS, workMs: 1 })

  const fair = sum(good) / CALLERS
  assert.ok(Math.min(...good) >= 0.7 * fair, `the least: ${Math.min(...good)} of ${fair}`)
})

test('callers who ask for little are served beside those who ask for all, although they are read last', () => {
  const greedy = each(5000, 10)
  const modest = each(250, 50)
  const { good, refused } = serve(MOST_MS, { perSecond: [...greedy, ...modest], forMs: FOR_MS, workMs: 1 })

  const served = sum(good.slice(10)) / (sum(good.slice(10)) + sum(refused.slice(10)))
  assert.ok(served >= 0.85, `${Math.round(served * 100)} % of their calls are served`)
  assert.ok(sum(refused.slice(0, 10)) > sum(good.slice(0, 10)))
})

test('as many calls as nine tenths of what is possible are all served', () => {
  const { refused, late } = serve(MOST_MS, { perSecond: each(870), forMs: FOR_MS, workMs: 1 })

  assert.deepEqual([sum(refused), late.isShedding], [0, false])
})

test('long turns for less than half a second are no overload', () => {
  const { at, turnEnds, late } = judging()
  for (const from of [0, 130, 260, 390]) {
    at(from + 60)
    turnEnds(from + 129)
  }

  assert.deepEqual([at(530), at(900), late.isShedding], [false, false, false])
})

test('one long turn, or two with a short one between, refuse nothing', () => {
  const { at, turnEnds, late } = judging()
  const refused = [at(60), at(400)]
  turnEnds(420)
  refused.push(at(500))
  turnEnds(501)
  refused.push(at(580), at(900))
  turnEnds(901)

  assert.deepEqual([refused, late.isShedding], [[false, false, false, false, false], false])
})

test('a second with nothing to do ends an overload, and half of one does not', () => {
  const { at, overload, idle, late } = judging()
  overload()
  idle(1500)
  const before = late.isShedding
  idle(2000)

  assert.deepEqual([before, late.isShedding], [true, false])
  assert.deepEqual(
    Array.from({ length: 50 }, (_, i) => at(2001 + i / 10)),
    Array<boolean>(50).fill(false)
  )
})

test('bursts with nothing between them are no overload, however long each keeps a turn', () => {
  const { at, turnEnds, idle, late } = judging()
  const refused: boolean[] = []
  for (let minute = 1; minute <= 6; minute++) {
    idle(minute * 60_000)
    for (let i = 0; i < 300; i++) refused.push(at(minute * 60_000 + i, `caller ${i % 30}`))
    turnEnds(minute * 60_000 + 300)
  }

  assert.deepEqual([new Set(refused), late.isShedding], [new Set([false]), false])
})

test('pauses after the calls of a turn are no overload, however many follow each other', () => {
  const { at, turnEnds, late } = judging()
  const refused: boolean[] = []
  // As when garbage is collected in each of ten turns: what came meanwhile is done in a moment.
  for (let from = 60; from < 3060; from += 300) {
    for (const [i, caller] of ['a', 'b', 'c', 'a', 'b', 'c'].entries()) refused.push(at(from + i, caller))
    turnEnds(from + 300)
  }
  for (let ms = 3060; ms < 3100; ms++) refused.push(at(ms, 'a'), at(ms, 'b'))

  assert.deepEqual([new Set(refused), late.isShedding], [new Set([false]), false])
})

test('after half a second of long turns a turn serves calls for so long and refuses later ones', () => {
  const { at, overload, late } = judging()
  overload()

  assert.equal(late.isShedding, true)
  assert.deepEqual([at(1001, 'b'), at(1100, 'c'), at(1101, 'd'), at(1101, 'e')], [false, false, true, true])
})

test('what makes room is taken beyond that, until nothing else helps', () => {
  const { at, overload } = judging()
  overload()
  at(1001, 'b')

  assert.deepEqual(
    [at(1200, 'c'), at(1200, 'c', true), at(1500, 'c', true), at(1501, 'c', true)],
    [true, false, false, true]
  )
})

test('a turn without end refuses whatever comes, also where none was long before', () => {
  const { at } = judging()

  assert.deepEqual([at(60), at(559), at(560), at(560, 'b', true)], [false, false, true, true])
})

test('while turns are short again, who asks for much is given more in each', () => {
  const { at, overload, turnEnds, late } = judging()
  overload()
  const served: number[] = []
  for (let from = 1010; from < 1130; from += 20) {
    const refused = Array.from({ length: 50 }, (_, i) => at(from + i / 10))
    served.push(refused.filter(isRefused => !isRefused).length)
    turnEnds(from + 5)
  }

  assert.equal(late.isShedding, true)
  assert.deepEqual(served, [2, 3, 7, 13, 27, 50])
})

test('a second in which nobody was refused ends it, and a turn may last again', () => {
  const { at, overload, turnEnds, late } = judging()
  overload()
  for (let ms = 1010; ms < 1990; ms += 20) {
    at(ms)
    turnEnds(ms + 5)
  }
  const before = late.isShedding
  at(2000)
  turnEnds(2005)

  assert.deepEqual([before, late.isShedding], [true, false])
  assert.deepEqual([at(2080), at(2300)], [false, false])
})

test('a call that keeps the processor for longer than a turn may last is still served, one a turn', () => {
  const { good, refused } = serve(MOST_MS, { perSecond: [10, 10], forMs: FOR_MS, workMs: 250 })

  assert.ok(sum(good) >= 0.9 * (FOR_MS / 250), `${sum(good)} served`)
  assert.ok(sum(refused) > 0)
})

test('turns that are not long are not looked at', () => {
  const { at, planned, turnEnds } = judging()
  for (let ms = 0; ms < 1000; ms += 20) {
    at(ms)
    assert.equal(planned(), 0)
    turnEnds(ms + 10)
  }
})

test('a process that stood still refuses nothing of what it finds then', () => {
  const { at } = judging()
  at(10)

  assert.deepEqual([at(3_600_000), at(3_600_001)], [false, false])
})

test('tells how many calls were refused since it was last asked, in percent', () => {
  const { at, overload, late } = judging()
  overload()
  late.takeRefusedPercent()
  at(1001, 'b')
  for (const caller of ['c', 'd', 'e']) at(1200, caller)

  assert.deepEqual([late.takeRefusedPercent(), late.takeRefusedPercent()], [75, 0])
})
