import assert from 'node:assert/strict'
import test from 'node:test'
import { Pressure } from './pressure.ts'

function watching() {
  let value = 0
  const pressure = new Pressure([
    {
      name: 'delay',
      read: () => value,
      writes: { enter: 100, leave: 20 },
      calls: { enter: 500, leave: 100 }
    },
    { name: 'disk', read: () => 0, writes: { enter: 1, leave: 0 } }
  ])
  const sample = (...values: number[]): void => {
    for (value of values) pressure.sample()
  }
  return { pressure, sample }
}

test('one high sample sheds nothing', () => {
  const { pressure, sample } = watching()

  sample(10_000, 0)

  assert.equal(pressure.shedding, 'nothing')
})

test('sheds writes before reads, and says why', () => {
  const { pressure, sample } = watching()

  sample(200, 200)
  assert.deepEqual([pressure.shedding, pressure.causes], ['writes', ['delay']])
  sample(600, 600)
  assert.equal(pressure.shedding, 'calls')
})

test('goes back by steps, and only when the signal has come well down', () => {
  const { pressure, sample } = watching()
  sample(600, 600)

  sample(101)
  assert.equal(pressure.shedding, 'calls')
  sample(100)
  assert.equal(pressure.shedding, 'writes')
  sample(21)
  assert.equal(pressure.shedding, 'writes')
  sample(20)
  assert.deepEqual([pressure.shedding, pressure.causes], ['nothing', []])
})

test('what only says that nobody should come sheds nothing', () => {
  let value = 60
  const pressure = new Pressure([{ name: 'late', read: () => value, ready: { enter: 50, leave: 10 } }])
  const seen = [60, 60, 11, 10].map(next => {
    value = next
    pressure.sample()
    return [pressure.isReady, pressure.shedding, pressure.causes.length]
  })

  assert.deepEqual(seen, [
    [true, 'nothing', 0],
    [false, 'nothing', 1],
    [false, 'nothing', 1],
    [true, 'nothing', 0]
  ])
})

test('a node that sheds all calls is not ready', () => {
  const { pressure, sample } = watching()

  sample(200, 200)
  assert.equal(pressure.isReady, true)
  sample(600, 600)
  assert.equal(pressure.isReady, false)
})

test('tells the last value of each signal', () => {
  const { pressure, sample } = watching()

  sample(42)

  assert.deepEqual(pressure.values, { delay: 42, disk: 0 })
})

test('a write is refused for what lacks while that lacks, and else because there is too much to do', () => {
  const values = { delay: 0, disk: 0 }
  const pressure = new Pressure([
    { name: 'delay', read: () => values.delay, writes: { enter: 100, leave: 20 } },
    { name: 'disk', refusal: 'disk_full', read: () => values.disk, writes: { enter: 1, leave: 0 } }
  ])
  const refusalWith = (delay: number, disk: number): string => {
    Object.assign(values, { delay, disk })
    pressure.sample()
    pressure.sample()
    return pressure.writeRefusal
  }

  assert.equal(refusalWith(200, 0), 'saturated')
  assert.equal(refusalWith(200, 7), 'disk_full')
  assert.equal(refusalWith(0, 7), 'disk_full')
  assert.equal(refusalWith(200, 0), 'saturated')
})
