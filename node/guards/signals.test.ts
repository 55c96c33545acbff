import assert from 'node:assert/strict'
import test from 'node:test'
import { LoopDelay } from './loop-delay.ts'
import { StoreLatency, diskSignal, eventLoopSignal, heapSignal, inFlightSignal } from './signals.ts'

const turn = (): Promise<void> => new Promise(resolve => setImmediate(resolve))

test('tells how much disk space lacks, and asks at most every five seconds', async () => {
  let now = 0
  let asked = 0
  const signal = diskSignal(
    'data',
    100 * 1024 * 1024,
    () => now,
    () => Promise.resolve(asked++ === 0 ? 60.5 * 1024 * 1024 : 1e9)
  )

  signal.read()
  await turn()
  const lacking = [signal.read(), signal.read()]
  now = 5000
  signal.read()
  await turn()

  assert.deepEqual(lacking, [40, 40])
  assert.deepEqual([signal.read(), asked], [0, 2])
})

test('a disk that cannot be asked keeps its last value', async () => {
  const signal = diskSignal(
    'data',
    1,
    () => 0,
    () => Promise.reject(new Error('gone'))
  )

  signal.read()
  await turn()

  assert.equal(signal.read(), 0)
})

test('tells the longest write since it was last asked, and one that is stuck', async () => {
  let now = 0
  const latency = new StoreLatency(() => now)
  await latency.measure(async () => void (now = 300))
  const first = latency.signal.read()
  const stuck = Promise.withResolvers<void>()
  const waiting = latency.measure(() => stuck.promise)
  now = 2300
  const during = latency.signal.read()
  stuck.resolve()
  await waiting
  latency.signal.read()

  assert.deepEqual([first, during, latency.signal.read()], [300, 2000, 0])
})

test('a write that fails is measured too, and its error passes', async () => {
  let now = 0
  const latency = new StoreLatency(() => now)

  await assert.rejects(
    latency.measure(async () => {
      now = 50
      throw new Error('full')
    }),
    /full/
  )

  assert.equal(latency.signal.read(), 50)
})

test('calls, heap and event loop are plain numbers', () => {
  const delay = new LoopDelay(25)
  delay.tick(0)
  const loop = eventLoopSignal(delay, () => 40)

  assert.equal(inFlightSignal(() => 50, 200).read(), 25)
  assert.ok(heapSignal().read() > 0 && heapSignal().read() < 100)
  assert.deepEqual([loop.read(), loop.read()], [15, 0])
})
