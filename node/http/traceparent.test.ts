import assert from 'node:assert/strict'
import { test } from 'node:test'
import { traced, traceparentOf } from './traceparent.ts'

const TRACE = '0af7651916cd43dd8448eb211c80319c'
const GOOD = `00-${TRACE}-b7ad6b7169203331-01`

test('a traceparent goes on as it came, and logs have its trace', () => {
  assert.equal(traceparentOf({ traceparent: GOOD }), GOOD)
  assert.deepEqual(traced(GOOD), { trace_id: TRACE })
})

for (const none of [
  undefined,
  '',
  [GOOD, GOOD],
  `${GOOD}\n`,
  `${GOOD}-more`,
  `${GOOD}${' '.repeat(100_000)}`,
  GOOD.toUpperCase(),
  `ff${GOOD.slice(2)}`,
  `00-${'0'.repeat(32)}-b7ad6b7169203331-01`,
  `00-${TRACE}-${'0'.repeat(16)}-01`
]) {
  test(`what is no traceparent goes nowhere: ${JSON.stringify(none)?.slice(0, 80)}`, () => {
    assert.equal(traceparentOf({ traceparent: none }), undefined)
    if (typeof none === 'string') assert.deepEqual(traced(none), {})
  })
}
