import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BlameBook } from './blame-book.ts'

const HOUR = 3_600_000

test('a liar is barred for an hour, then twice as long each time, and never longer than a day', () => {
  const book = new BlameBook()
  const lasted: number[] = []
  let nowMs = 0

  for (let n = 0; n < 7; n++) {
    book.note('a', 'bad_block', nowMs)
    const { untilMs } = book.barOf('a', nowMs)!
    lasted.push((untilMs - nowMs) / HOUR)
    nowMs = untilMs
    assert.equal(book.barOf('a', nowMs), undefined)
  }

  assert.deepEqual(lasted, [1, 2, 4, 8, 16, 24, 24])
})

test('a day without an offence makes the next one the first', () => {
  const book = new BlameBook()
  book.note('a', 'bad_block', 0)
  book.note('a', 'bad_block', 1)

  book.note('a', 'bad_block', 100 * HOUR)

  assert.equal(book.barOf('a', 100 * HOUR)!.untilMs, 101 * HOUR)
})

test('what is no offence bars nobody', () => {
  const book = new BlameBook()

  for (const code of ['done', 'outrun', 'not_found', 'dropped', 'refused'] as const) book.note('a', code, 0)

  assert.equal(book.size, 0)
})

test('of more than it may remember, it forgets those whose bar ends first', () => {
  const book = new BlameBook(3)
  book.note('liar', 'bad_block', 0)
  book.note('first', 'stalled', 0)
  book.note('second', 'stalled', 1)
  book.note('third', 'stalled', 2)

  assert.equal(book.size, 3)
  assert.equal(book.barOf('first', 3), undefined)
  assert.equal(book.barOf('liar', 3)!.code, 'bad_block')
  for (let n = 0; n < 100; n++) book.note(`stranger ${n}`, 'dag_cut', 4)
  assert.equal(book.size, 3)
  assert.equal(book.barOf('liar', 5)!.code, 'bad_block')
})
