import assert from 'node:assert/strict'
import test from 'node:test'
import { LoopDelay } from './loop-delay.ts'
import { Pressure } from './pressure.ts'
import type { Shedding } from './pressure.ts'
import { eventLoopSignal } from './signals.ts'

const TICK_MS = 25
const SAMPLE_MS = 250

/** What is read and shed at each sample while turns take so long, with the sample's timer before or after the tick's. */
function sampled(turnsMs: readonly number[], isSampleFirst: boolean) {
  let now = 1000
  const delay = new LoopDelay(TICK_MS)
  delay.tick(now)
  const pressure = new Pressure([eventLoopSignal(delay, () => now)])
  const read: number[] = []
  const shed: Shedding[] = []
  let sampleAt = now + SAMPLE_MS
  for (const turnMs of turnsMs) {
    now += turnMs
    if (!isSampleFirst) delay.tick(now)
    if (now >= sampleAt) {
      pressure.sample()
      read.push(pressure.values['event_loop_ms']!)
      shed.push(pressure.shedding)
      sampleAt = now + SAMPLE_MS
    }
    if (isSampleFirst) delay.tick(now)
  }
  return { read, shed }
}

const turns = (count: number, ms: number): number[] => Array.from({ length: count }, () => ms)

for (const isSampleFirst of [true, false]) {
  const order = isSampleFirst ? 'before' : 'after'

  test(`turns longer than samples are apart are seen, with the sample ${order} the tick, and shed writes`, () => {
    const { read, shed } = sampled(turns(4, 300), isSampleFirst)

    assert.deepEqual(read, [275, 275, 275, 275])
    assert.deepEqual(shed, ['nothing', 'writes', 'writes', 'writes'])
  })

  test(`a stall that lasts sheds all calls, with the sample ${order} the tick, until turns are short again`, () => {
    const { shed } = sampled([...turns(2, 1100), ...turns(20, TICK_MS)], isSampleFirst)

    assert.deepEqual(shed, ['nothing', 'calls', 'nothing', 'nothing'])
  })

  test(`one turn is seen once however long it is, with the sample ${order} the tick, and sheds nothing`, () => {
    const { read, shed } = sampled([...turns(12, TICK_MS), 5000, ...turns(30, TICK_MS)], isSampleFirst)

    assert.equal(read.filter(ms => ms > 0).length, 1)
    assert.equal(Math.max(...read), 4975)
    assert.deepEqual(new Set(shed), new Set(['nothing']))
  })
}

test('the time before the first tick is that of a start', () => {
  const delay = new LoopDelay(TICK_MS)

  const before = delay.take(5000)
  delay.tick(9000)

  assert.deepEqual([before, delay.take(9030)], [0, 5])
})

test('a node that keeps up reads nothing', () => {
  assert.deepEqual(new Set(sampled(turns(40, TICK_MS), false).read), new Set([0]))
})
