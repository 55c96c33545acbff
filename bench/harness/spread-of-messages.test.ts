import assert from 'node:assert/strict'
import { test } from 'node:test'
import { spreadOfMessages, type Arrival } from './spread-of-messages.ts'

const SENT = [
  { acknowledged: [1000, 2000], startMicros: 500 },
  { acknowledged: [3000, null], startMicros: 1500 },
  { acknowledged: [], startMicros: 0 }
]

test('counts what is missing, doubled and refused, and times what came', () => {
  const arrived: Arrival[][] = [
    [[1, 0, 8000]],
    [
      [0, 0, 4000],
      [0, 0, 9000]
    ],
    [
      [0, 0, 900],
      [0, 1, 3000],
      [1, 1, 9000]
    ]
  ]

  const spread = spreadOfMessages(SENT, arrived)

  assert.deepEqual(
    { ...spread, p50Ms: spread.p50Ms, p99Ms: Math.round(spread.p99Ms!) },
    { sent: 3, refused: 1, sendingMs: 1.5, due: 6, missing: 2, doubled: 1, p50Ms: 2, p99Ms: 5 }
  )
})

test('has no times where nothing came', () => {
  const { missing, p50Ms, p99Ms } = spreadOfMessages(SENT, [[], [], []])

  assert.deepEqual([missing, p50Ms, p99Ms], [6, null, null])
})
