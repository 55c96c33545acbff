import assert from 'node:assert/strict'
import test from 'node:test'
import { list, object, oneOf, text, texts } from './fields.ts'

test('a text is bound by its bytes in UTF-8, not by its characters', () => {
  const { read } = text(6)

  assert.equal(read('ééé', 'ua'), 'ééé')
  assert.equal(read('abcdef', 'ua'), 'abcdef')
  assert.throws(() => read('éééa', 'ua'), { message: /ua: text of at most 6 bytes/ })
  assert.throws(() => read('abcdefg', 'ua'))
})

test('lists, objects, choices and maps of texts name the member that is wrong', () => {
  const inner = list(object({ state: oneOf('on', 'off') }), 2, 1)

  assert.deepEqual(inner.read([{ state: 'on', other: 1 }], 'lamps'), [{ state: 'on' }])
  assert.throws(() => inner.read([], 'lamps'), { code: 'bad_request', message: /lamps: an array of 1 to 2/ })
  assert.throws(() => inner.read({}, 'lamps'), { message: /lamps: an array/ })
  assert.throws(() => inner.read([[]], 'lamps'), { message: /lamps\[0\]: an object/ })
  assert.throws(() => inner.read([{ state: 'on' }, { state: 'dim' }], 'lamps'), {
    message: /lamps\[1\]\.state: one of on, off/
  })
  assert.throws(() => inner.read([{}], 'lamps'), { message: /lamps\[0\]\.state: missing/ })
})

test('a map of texts is bound by the bytes of its names and values together', () => {
  const { read } = texts(6, 'finer')

  assert.deepEqual(read({ a: 'é', bb: 'c' }, 'attrs'), { a: 'é', bb: 'c' })
  assert.throws(() => read({ a: 'éé', bb: 'c' }, 'attrs'), { code: 'finer', status: 413 })
  assert.throws(() => read({ a: 1 }, 'attrs'), { code: 'bad_request', message: /attrs: an object of texts/ })
  assert.throws(() => read(null, 'attrs'), { code: 'bad_request' })
})
