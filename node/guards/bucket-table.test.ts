import assert from 'node:assert/strict'
import test from 'node:test'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import fc from 'fast-check'
import { BucketTable } from './bucket-table.ts'

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void
const MEGABYTE = 1024 * 1024
const RATE = { burst: 2, perSecond: 1 }

test('gives each key its own bucket, and the same one each time', () => {
  const table = new BucketTable(10)

  table.get('a', RATE, 0).take(2, 0)

  assert.equal(table.get('a', RATE, 0).take(1, 0), 1000)
  assert.equal(table.get('b', RATE, 0).take(1, 0), 0)
})

test('ten million different keys leave it as large as a hundred thousand do', () => {
  const table = new BucketTable(16_384)
  const fill = (from: number, to: number): number => {
    for (let i = from; i < to; i++) table.get(`peer ${i}`, RATE, i)
    collect()
    return process.memoryUsage().heapUsed
  }

  const early = fill(0, 100_000)
  const late = fill(100_000, 10_000_000)

  assert.equal(table.size, 16_384)
  assert.ok(late - early < MEGABYTE, `${late - early} bytes more`)
})

test('a table that is not full does not grow with use', () => {
  const table = new BucketTable(16_384)
  const keys = Array.from({ length: 10 }, (_, i) => `peer ${i}`)
  const use = (times: number): number => {
    for (let i = 0; i < times; i++) table.get(keys[i % keys.length]!, RATE, i)
    collect()
    return process.memoryUsage().heapUsed
  }

  const early = use(100_000)
  const late = use(5_000_000)

  assert.equal(table.size, keys.length)
  assert.ok(late - early < MEGABYTE, `${late - early} bytes more`)
})

test('forgets what was unused the longest, in whatever order keys come, are used and go', () => {
  const asked = fc.record({ key: fc.nat(5).map(String), isGone: fc.boolean() })
  fc.assert(
    fc.property(fc.array(asked, { maxLength: 60 }), steps => {
      const table = new BucketTable(3)
      const known = new Map<string, unknown>()
      for (const { key, isGone } of steps) {
        const before = known.get(key)
        known.delete(key)
        if (isGone) {
          table.delete(key)
          continue
        }
        const bucket = table.get(key, RATE, 0)
        if (before === undefined) assert.ok(![...known.values()].includes(bucket))
        else assert.equal(bucket, before)
        known.set(key, bucket)
        if (known.size > 3) known.delete(known.keys().next().value!)
        assert.equal(table.size, known.size)
      }
    })
  )
})

test('keeps the keys that are in use', () => {
  const table = new BucketTable(2)
  table.get('used', RATE, 0).take(2, 0)
  for (let i = 0; i < 100; i++) {
    table.get(`other ${i}`, RATE, 0)
    table.get('used', RATE, 0)
  }

  assert.equal(table.get('used', RATE, 0).take(1, 0), 1000)
})

test('a key gains nothing by being forgotten before its bucket is full', () => {
  const table = new BucketTable(1)
  table.get('greedy', RATE, 0).take(2, 0)
  table.get('another', RATE, 0)

  assert.notEqual(table.get('greedy', RATE, 0).take(1, 0), 0)
  assert.equal(table.get('late', RATE, 5000).take(2, 5000), 0)
})
