import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { exactly, flag, formed, lineOfText, listOf, oneOf, readForm, textOf, whole } from './form.ts'

const ROW = exactly({ name: textOf(/^[a-z]+$/, 'a name'), size: whole(1, 9) }, { note: lineOfText(4) })
const DOCUMENT = exactly({ rows: listOf(ROW, 2, 1), open: flag, dir: oneOf('in', 'out') })
const GOOD = { rows: [{ name: 'a', size: 1 }], open: true, dir: 'in' }

const problemsOf = (value: unknown): readonly string[] => {
  const read = readForm(DOCUMENT, value)
  return 'problems' in read ? read.problems : []
}

test('takes what is in the form, members that may be missing with it', () => {
  assert.deepEqual(formed(DOCUMENT, GOOD), GOOD)
  assert.deepEqual(formed(ROW, { name: 'a', size: 9, note: 'é.' }), { name: 'a', size: 9, note: 'é.' })
})

test('tells all that is wrong at once, each with its path', () => {
  const wrong = { rows: [{ name: 'A', size: 0 }, { name: 'b' }], open: 1, dir: 'up', more: 1 }

  assert.deepEqual(problemsOf(wrong), [
    'unknown member "more"',
    'rows[0].name: not a name',
    'rows[0].size: not a whole number from 1 to 9',
    'rows[1].size: missing',
    'open: not true or false',
    'dir: not one of in, out'
  ])
})

for (const [value, problem] of [
  [null, /expected an object/],
  [[], /expected an object/],
  ['', /expected an object/],
  [{ ...GOOD, rows: [] }, /^rows: expected 1 to 2 values, found 0$/],
  [{ ...GOOD, rows: [0, 0, 0] }, /^rows: expected 1 to 2 values, found 3$/],
  [{ ...GOOD, rows: {} }, /^rows: expected a list$/],
  [{ ...GOOD, rows: [{ name: 'a', size: 1.5 }] }, /^rows\[0\]\.size/],
  [{ ...GOOD, rows: [{ name: 'a', size: 1, note: 'fünf' }] }, /^rows\[0\]\.note: longer than 4 bytes$/],
  [{ ...GOOD, rows: [{ name: 'a', size: 1, note: 'a\nb' }] }, /^rows\[0\]\.note: not one line/],
  [{ ...GOOD, rows: [{ name: 'a', size: 1, note: '\ud800' }] }, /^rows\[0\]\.note: not one line/],
  [JSON.parse('{"__proto__":{},"dir":"in","open":true,"rows":[]}'), /unknown member "__proto__"/]
] as const) {
  test(`refuses ${JSON.stringify(value)}`, () => {
    assert.match(problemsOf(value)[0] ?? '', problem)
    assert.throws(() => formed(DOCUMENT, value), SyntaxError)
  })
}

test('a problem names no more of a member than its beginning', () => {
  assert.ok((problemsOf({ ...GOOD, ['x'.repeat(1e6)]: 1 })[0] ?? '').length < 100)
})

test('answers any value with a reading or with problems', () => {
  fc.assert(
    fc.property(fc.anything({ withNullPrototype: true }), value => {
      const read = readForm(DOCUMENT, value)
      assert.ok('value' in read || read.problems.length > 0)
    })
  )
})
