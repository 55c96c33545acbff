import assert from 'node:assert/strict'
import { test } from 'node:test'
import { KnownBatches, namedByFsck, namedInLog, unnamed } from './named-batches.ts'

/** Batch 1 brought a and b, batch 2 nothing, batch 3 c; of batch 4 nothing is known, and 5 brought e or d. */
function known(): KnownBatches {
  const batches = new KnownBatches()
  for (const [number, last] of [
    [1, 'b'],
    [2, 'b'],
    [3, 'c'],
    [5, 'e']
  ] as const)
    batches.add(number, last)
  return batches
}

test('the batch of a message is the first whose last id is not below it', () => {
  const batches = known()

  assert.deepEqual(
    ['a', 'b', 'c', 'd', 'e', 'f'].map(id => batches.of(id)),
    [1, 1, 3, undefined, undefined, undefined]
  )
})

test('a lost message whose batch nobody named is told, and one whose batch nobody knows', () => {
  const lost = ['a', 'c', 'd']

  assert.deepEqual(unnamed(lost, known(), []), lost)
  assert.deepEqual(unnamed(lost, known(), [{ from: 1, to: 2 }]), ['c', 'd'])
  assert.deepEqual(unnamed(lost, known(), [{ from: 1, to: 9 }]), ['d'])
})

test('what a node and fsck name is read from what they write', () => {
  const log = [
    '{"level":"info","event":"NodeStarted"}',
    '{"level":"error","event":"MailboxBatchesMissing","from":3,"to":4,"msg":"batches that were durable are gone"}',
    'omnigate: made a folder'
  ].join('\n')
  const problems = [
    { kind: 'missing_batches', subject: 'batch 7', detail: 'x' },
    { kind: 'missing_batches', subject: 'batches 9 to 12', detail: 'x' }
  ]

  assert.deepEqual(
    namedInLog(log).map(({ from, to }) => [from, to]),
    [[3, 4]]
  )
  assert.deepEqual(namedByFsck(JSON.stringify({ problems })), {
    missing: [
      { from: 7, to: 7 },
      { from: 9, to: 12 }
    ],
    hasDamage: false
  })
  const damaged = [...problems, { kind: 'damaged_row', subject: 'batch 8', detail: 'x' }]
  assert.equal(namedByFsck(JSON.stringify({ problems: damaged })).hasDamage, true)
})
