import assert from 'node:assert/strict'
import test from 'node:test'
import { AwakeTime } from './awake-time.ts'
import { Pressure } from './pressure.ts'
import { StoreLatency } from './signals.ts'

const MOST_MS = 100
const TICK_MS = 25
const SAMPLE_MS = 250

test('time goes on between ticks, and a pause counts for the most that one may', () => {
  const awake = new AwakeTime(MOST_MS, 1000)
  awake.tick(1025)
  const seen = [awake.at(1025), awake.at(1050), awake.at(1125), awake.at(5000)]
  awake.tick(5000)

  assert.deepEqual([...seen, awake.at(5010)], [25, 50, 125, 125, 135])
})

/** What a node sheds that is sampled while one write takes `writeMs`, with pauses of `pauseMs` from its begin on. */
function shedDuring({ writeMs, pauseMs }: { writeMs: number; pauseMs: number }): readonly string[] {
  let now = 0
  const awake = new AwakeTime(MOST_MS, now)
  const latency = new StoreLatency(() => awake.at(now))
  const pressure = new Pressure([latency.signal])
  const seen: string[] = []
  let sampledAt = 0
  void latency.measure(() => new Promise<void>(() => undefined))
  while (now < writeMs) {
    now += Math.max(pauseMs, TICK_MS)
    awake.tick(now)
    if (now - sampledAt < SAMPLE_MS) continue
    sampledAt = now
    pressure.sample()
    seen.push(pressure.shedding)
  }
  return seen
}

test('a write that waits for four pauses of the collector is no slow disk', () => {
  assert.deepEqual(new Set(shedDuring({ writeMs: 2000, pauseMs: 300 })), new Set(['nothing']))
})

test('a disk that takes as long is, also where turns are as long as calls may wait', () => {
  assert.equal(shedDuring({ writeMs: 1500, pauseMs: 0 }).at(-1), 'writes')
  assert.equal(shedDuring({ writeMs: 1800, pauseMs: MOST_MS }).at(-1), 'writes')
})
