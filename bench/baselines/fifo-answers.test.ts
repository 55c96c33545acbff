import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FifoAnswers } from './fifo-answers.ts'

test('settles requests in order as their bytes arrive, whatever the pieces', () => {
  const fifo = new FifoAnswers(4)
  const settled: string[] = []
  for (const name of ['a', 'b', 'c']) fifo.opened(() => settled.push(name))

  fifo.received(3)
  assert.deepEqual(settled, [])
  fifo.received(6)
  assert.deepEqual(settled, ['a', 'b'])
  fifo.received(3)

  assert.deepEqual(settled, ['a', 'b', 'c'])
})

test('a request that is opened while another is being settled is answered in its turn', () => {
  const fifo = new FifoAnswers(1)
  let answers = 0
  const again = () => {
    if (++answers < 5000) fifo.opened(again)
  }
  fifo.opened(again)

  fifo.received(5000)

  assert.equal(answers, 5000)
})

test('a failure reaches every open request', () => {
  const fifo = new FifoAnswers(1)
  const errors: unknown[] = []
  fifo.opened(error => errors.push(error))
  fifo.opened(error => errors.push(error))

  fifo.failed(new Error('reset'))

  assert.equal(errors.length, 2)
})
