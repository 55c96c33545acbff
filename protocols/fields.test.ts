import assert from 'node:assert/strict'
import test from 'node:test'
import { text } from './fields.ts'

test('a text is bound by its bytes in UTF-8, not by its characters', () => {
  const { read } = text(6)

  assert.equal(read('ééé', 'ua'), 'ééé')
  assert.equal(read('abcdef', 'ua'), 'abcdef')
  assert.throws(() => read('éééa', 'ua'), { message: /ua: text of at most 6 bytes/ })
  assert.throws(() => read('abcdefg', 'ua'))
})
