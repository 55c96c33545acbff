import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BLOBS, BLOB_OF, judge, knownBy, possibleAfter } from './history.ts'
import type { Rule, Step } from './history.ts'

const put: Step = { is: 'put', tenant: 't', blob: 1, asked: 0, answered: 1 }
const gone: Step = { is: 'delete', tenant: 't', blob: 1, asked: 2, answered: 3 }
const open = ({ is, tenant, blob, asked }: Step): Step => ({ is, tenant, blob, asked })

const CASES: readonly (readonly [string, readonly Step[], readonly string[], readonly Rule[]])[] = [
  ['nothing, and nothing there', [], [], []],
  ['a put, and it is there', [put], ['t 1'], []],
  ['a put that is gone', [put], [], ['lost']],
  ['a put without an answer, either way', [open(put)], [], []],
  ['a put without an answer that is there', [open(put)], ['t 1'], []],
  ['a delete, and it is gone', [put, gone], [], []],
  ['a delete, and it is there', [put, gone], ['t 1'], ['came_back']],
  ['a delete without an answer', [put, open(gone)], ['t 1'], []],
  ['a delete without an answer that was done', [put, open(gone)], [], []],
  ['a blob of another tenant', [put], ['t 1', 'u 1'], ['invented']]
]

for (const [what, steps, found, rules] of CASES)
  test(`judges ${what}`, () => {
    assert.deepEqual(
      judge(possibleAfter(steps), found).map(({ rule }) => rule),
      rules
    )
  })

test('at an earlier time less was known', () => {
  assert.deepEqual(knownBy([put, gone], 2.5), [put, open(gone)])
  assert.deepEqual(knownBy([put, gone], 1.5), [put])
  assert.deepEqual(knownBy([put, gone], 0.5), [open(put)])
})

test('no two blobs are the same', () => {
  assert.equal(BLOB_OF.size, BLOBS.length)
})
