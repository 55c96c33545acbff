import assert from 'node:assert/strict'
import { test } from 'node:test'
import { byteRange } from './byte-range.ts'

const RANGES: readonly (readonly [header: string, range: unknown])[] = [
  ['bytes=0-0', { first: 0, last: 0 }],
  ['bytes=10-', { first: 10, last: 99 }],
  ['Bytes=90-999', { first: 90, last: 99 }],
  ['bytes=-10', { first: 90, last: 99 }],
  ['bytes=-999', { first: 0, last: 99 }],
  ['bytes=100-', 'unsatisfiable'],
  ['bytes=999999999999999-', 'unsatisfiable'],
  ['bytes=-0', 'unsatisfiable'],
  // What is none, and what may be ignored: the whole block is the answer.
  ['bytes=20-10', undefined],
  ['bytes=-', undefined],
  ['bytes=', undefined],
  ['bytes=0-1,5-6', undefined],
  [`bytes=${'0-1,'.repeat(1000)}2-3`, undefined],
  [`bytes=0-${'9'.repeat(400)}`, undefined],
  ['bytes=0x1-5', undefined],
  ['items=0-1', undefined]
]

for (const [header, range] of RANGES)
  test(`${header.slice(0, 40)} of 100 bytes`, () => assert.deepEqual(byteRange(header, 100), range))

test('no header is no range, and of no bytes there is none', () => {
  assert.equal(byteRange(undefined, 100), undefined)
  assert.equal(byteRange('bytes=0-', 0), 'unsatisfiable')
  assert.equal(byteRange('bytes=-5', 0), 'unsatisfiable')
})
