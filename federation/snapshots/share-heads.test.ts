import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import test from 'node:test'
import { shareHeads } from './share-heads.ts'
import { shareDigest } from './snapshot.ts'

const [ONE, TWO] = ['01'.repeat(16), '02'.repeat(16)]
const series = { share: ONE, origin: 'h1a', series: 5, first: 1, last: 10, missing: [[3, 4]] as const }

test('a share has what is settled of all its series, under a name that its id alone gives', () => {
  const other = { ...series, origin: 'h1b', first: 4, last: 3, missing: [] }

  const heads = shareHeads([other, series])

  const lines = '["h1a",5,1,10,[[3,4]]]\n["h1b",5,4,3,[]]\n'
  const root = createHash('sha256').update(lines).digest('hex')
  assert.deepEqual(heads, [{ count: 8, highest: 10, root, share: shareDigest(ONE) }])
})

test('the order of series and shares makes no difference, and another number does', () => {
  const all = [series, { ...series, share: TWO }, { ...series, series: 6 }]

  assert.deepEqual(shareHeads(all), shareHeads(all.toReversed()))
  assert.notDeepEqual(shareHeads(all), shareHeads([{ ...series, last: 11 }, ...all.slice(1)]))
  assert.equal(shareHeads(all).length, 2)
})

test('no more shares are named than a snapshot has room for', () => {
  const all = Array.from({ length: 1100 }, (_, n) => ({ ...series, share: n.toString(16).padStart(32, '0') }))

  assert.equal(shareHeads(all).length, 1024)
})
