import assert from 'node:assert/strict'
import { test } from 'node:test'
import { interleaved } from './rounds.ts'

test('each entrant works once a round and the first place rotates', async () => {
  const order: string[] = []

  const samples = await interleaved(['a', 'b', 'c'], 3, async (entrant, round) => {
    order.push(entrant)
    return round
  })

  assert.deepEqual(order.join(''), 'abcbcacab')
  assert.deepEqual(
    [...samples.values()],
    [
      [0, 1, 2],
      [0, 1, 2],
      [0, 1, 2]
    ].map(row => row)
  )
})
