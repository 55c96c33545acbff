import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { exactly, lineOfText, whole } from './form.ts'
import { HUB, OTHER_HUB } from './keys.fixture.ts'
import {
  type StatementKind,
  formatSigned,
  isStatementBy,
  parseSigned,
  readSigned,
  signStatement
} from './statement.ts'

type Note = { readonly at: number; readonly text: string }
const NOTE: StatementKind<Note> = {
  tag: 'test/note/1',
  maxChars: 512,
  form: exactly({ at: whole(0), text: lineOfText(64) })
}
const SIGNED = signStatement(NOTE, HUB.key, { at: 1, text: 'é "quoted"' })
const LINE = formatSigned(SIGNED)

test('reads back what it writes', () => {
  const text = fc
    .string({ unit: 'grapheme', maxLength: 12 })
    .filter(one => !/\p{Cc}/u.test(one) && Buffer.byteLength(one) <= 64)
  fc.assert(
    fc.property(fc.maxSafeNat(), text, (at, said) => {
      const line = formatSigned(signStatement(NOTE, HUB.key, { at, text: said }))
      const read = parseSigned(NOTE, line)

      assert.deepEqual(read.statement, { at, text: said })
      assert.equal(formatSigned(read), line)
      assert.ok(isStatementBy(NOTE, read, HUB.bytes))
      assert.deepEqual(readSigned(NOTE, JSON.parse(line)), read)
    })
  )
})

test('is signed by one key, as one kind, for one text', () => {
  const changed = { ...SIGNED, statement: { ...SIGNED.statement, at: 2 } }

  assert.equal(isStatementBy(NOTE, SIGNED, OTHER_HUB.bytes), false)
  assert.equal(isStatementBy({ ...NOTE, tag: 'test/note/2' }, SIGNED, HUB.bytes), false)
  assert.equal(isStatementBy(NOTE, changed, HUB.bytes), false)
})

const WRONG: readonly (readonly [string, string])[] = [
  ['a space', LINE.replace(':', ': ')],
  ['a line feed', `${LINE}\n`],
  ['another order', LINE.replace(/^\{(.*?),("statement".*)\}$/, '{$2,$1}')],
  ['a member twice', LINE.replace('"at":1', '"at":1,"at":1')],
  ['a fraction', LINE.replace('"at":1', '"at":1.0')],
  ['an exponent', LINE.replace('"at":1', '"at":1e0')],
  ['an escape that need not be', LINE.replace('é', '\\u00e9')],
  ['a member more', LINE.replace('"at":1', '"at":1,"bt":1')],
  ['a member less', LINE.replace('"at":1,', '')],
  ['a signature without padding', LINE.replace('==', '')],
  ['a signature with bits behind its end', LINE.replace(/.==/, 'B==')],
  ['no JSON', LINE.slice(1)],
  ['a number', '1'],
  ['more characters than its kind may have', LINE.replace('é', 'é'.repeat(600))]
]

for (const [what, line] of WRONG) {
  test(`refuses a line with ${what}`, () => {
    assert.notEqual(line, LINE)
    assert.throws(() => parseSigned(NOTE, line), SyntaxError)
  })
}

test('refuses a value whose signature is written in another way', () => {
  const { statement } = SIGNED
  const good = Buffer.from(SIGNED.signature).toString('base64')

  for (const signature of [good.replace(/.==$/, 'B=='), good.slice(4), '', 1, null])
    assert.throws(() => readSigned(NOTE, { signature, statement }), SyntaxError)
})

test('answers hostile text with SyntaxError only', () => {
  const spliced = fc
    .tuple(fc.nat(LINE.length), fc.nat(8), fc.string())
    .map(([at, cut, put]) => LINE.slice(0, at) + put + LINE.slice(at + cut))
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.json(), spliced), text => {
      if (text === LINE) return
      try {
        const read = parseSigned(NOTE, text)
        assert.equal(formatSigned(read), text)
        assert.equal(isStatementBy(NOTE, read, HUB.bytes), false)
      } catch (error) {
        assert.ok(error instanceof SyntaxError, String(error))
      }
    })
  )
})

test('judges the length before it reads', () => {
  assert.throws(() => parseSigned(NOTE, '['.repeat(1e6)), /longer than 512 characters/)
})
