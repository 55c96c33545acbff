import assert from 'node:assert/strict'
import test from 'node:test'
import type { VerifiedToken } from '../../protocols/index.ts'
import { SpentBytes } from './spent-bytes.ts'

const token = (capId: string, buckets: readonly string[], ...expires: number[]): VerifiedToken =>
  ({
    capId,
    caveats: expires.map(value => ({ key: 'expires', value })),
    limits: { bytes: buckets.map(bucket => ({ bucket, most: 100 })) }
  }) as unknown as VerifiedToken

test('what would be too much is not counted', () => {
  const spent = new SpentBytes()
  const first = spent.allowance(token('a', ['x'], 10), 0)!

  assert.deepEqual([first.spend(60), first.spend(41), first.spend(40)], [true, false, true])
  assert.equal(spent.allowance(token('a', ['x'], 10), 0), undefined)
})

test('a right that is narrowed in a thousand ways takes no room from another', () => {
  const spent = new SpentBytes(1000)
  for (let i = 0; i < 1000; i++) spent.allowance(token('greedy', [`g${i}`], 10, 9e15), 0)

  assert.notEqual(spent.allowance(token('honest', ['h'], 10), 0), undefined)
})

test('is forgotten when the hub’s own end of it has passed, whatever its holder wrote behind', () => {
  const spent = new SpentBytes(1)
  spent.allowance(token('a', ['x'], 10, 9e15), 0)

  assert.equal(spent.allowance(token('b', ['y'], 1000), 69), undefined)
  assert.notEqual(spent.allowance(token('b', ['y'], 1000), 71), undefined)
})
