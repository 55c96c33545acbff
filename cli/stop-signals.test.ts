import assert from 'node:assert/strict'
import { test } from 'node:test'
import { signalJudge } from './stop-signals.ts'

test('takes one Ctrl-C that arrives twice for one, and a later one for impatience', () => {
  const judge = signalJudge()

  assert.deepEqual([5000, 5001, 5999, 6000].map(judge), ['stop', 'same', 'same', 'force'])
})
