import assert from 'node:assert/strict'
import test from 'node:test'
import { BucketTable } from './bucket-table.ts'

const RATE = { burst: 2, perSecond: 1 }

test('gives each key its own bucket, and the same one each time', () => {
  const table = new BucketTable(10)

  table.get('a', RATE, 0).take(2, 0)

  assert.equal(table.get('a', RATE, 0).take(1, 0), 1000)
  assert.equal(table.get('b', RATE, 0).take(1, 0), 0)
})

test('does not grow with the number of keys', () => {
  const table = new BucketTable(1000)

  for (let i = 0; i < 1_000_000; i++) table.get(`peer ${i}`, RATE, i)

  assert.equal(table.size, 1000)
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
