import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { topicMatches } from '../protocols/index.ts'
import { type AgreedRow, agree, isOver } from './agreement.ts'
import { type GrantRow, type TreatyGrant, grantOf } from './treaty-grant.ts'
import { ROW, treaties } from './treaty.fixture.ts'
import { LEAST_TREATY } from './treaty.ts'

const { tenant: _, ...GRANTED } = ROW
const grantWith = (rows: readonly GrantRow[], change: Partial<TreatyGrant> = {}): TreatyGrant => ({
  ...grantOf(LEAST_TREATY),
  rows,
  ...change
})
const between = (here: Partial<GrantRow>, there: Partial<GrantRow>) =>
  agree(grantWith([{ ...GRANTED, ...here }]), grantWith([{ ...GRANTED, ...there }]))
const { id } = ROW.share

test('the same row on both sides goes both ways, without a difference', () => {
  const agreed = { share: id, name: 'dispatch', topics: ['dispatch/**'], relay: false }
  const { out, in: taken, differences } = between({}, {})

  assert.deepEqual([out, taken, differences], [[agreed], [agreed], []])
})

test('what one side sends and the other does not take goes nowhere, and is a difference', () => {
  const { out, in: taken, differences } = between({ dir: 'out' }, { dir: 'out' })

  assert.deepEqual([out, taken], [[], []])
  assert.deepEqual(differences, [{ what: 'dir', share: id, here: 'out', there: 'out' }])
})

test('one side sends, the other takes: one way, without a difference', () => {
  const { out, in: taken, differences } = between({ dir: 'out' }, { dir: 'in' })

  assert.deepEqual([out.length, taken.length, differences], [1, 0, []])
})

test('topics go as far as both sides name them', () => {
  const { out, differences } = between(
    { dir: 'out', topics: ['dispatch/*', 'orders/eu'] },
    { dir: 'in', topics: ['*/eu', 'stock/**'] }
  )

  assert.deepEqual(out[0]?.topics, ['dispatch/eu', 'orders/eu'])
  assert.deepEqual(differences, [
    { what: 'out', share: id, here: ['dispatch/*', 'orders/eu'], there: ['*/eu', 'stock/**'] }
  ])
})

test('a share without a topic in common is not shared', () => {
  const { out, in: taken, differences } = between({ topics: ['a'] }, { topics: ['b'] })

  assert.deepEqual([out, taken], [[], []])
  assert.deepEqual(
    differences.map(({ what }) => what),
    ['out', 'in']
  )
})

test('others may give a body only where both rows say so', () => {
  assert.equal(between({ relay: true }, { relay: true }).out[0]?.relay, true)
  assert.equal(between({ relay: true }, {}).out[0]?.relay, false)
  assert.deepEqual(between({ relay: true }, {}).differences, [
    { what: 'relay', share: id, here: true, there: false }
  ])
})

test('rows belong together by their id, whatever they are called', () => {
  const { out, differences } = between({}, { share: { id, name: 'versand' } })

  assert.equal(out[0]?.name, 'dispatch')
  assert.deepEqual(differences, [{ what: 'name', share: id, here: 'dispatch', there: 'versand' }])
})

test('a share that one side does not have is a difference, and a name in common does not help', () => {
  const other = 'bb'.repeat(16)
  const { out, in: taken, differences } = between({}, { share: { id: other, name: 'dispatch' } })

  assert.deepEqual([out, taken], [[], []])
  assert.deepEqual(differences, [
    { what: 'only_here', share: id },
    { what: 'only_there', share: other }
  ])
})

test('the smaller window and the earlier end hold', () => {
  const { windowS, expires, differences } = agree(
    grantWith([], { window_s: 60, expires: 9 }),
    grantWith([], { window_s: 70 })
  )

  assert.deepEqual([windowS, expires], [60, 9])
  assert.deepEqual(differences, [
    { what: 'window_s', here: 60, there: 70 },
    { what: 'expires', here: 9 }
  ])
})

test('a grant is over in the second of its end, and one without an end never', () => {
  assert.deepEqual(
    [isOver({ expires: 9 }, 8), isOver({ expires: 9 }, 9), isOver({}, 9)],
    [false, true, false]
  )
})

test('both sides find the same, each from its own side', () => {
  fc.assert(
    fc.property(treaties, treaties, (a, b) => {
      const here = agree(grantOf(a), grantOf(b))
      const there = agree(grantOf(b), grantOf(a))
      const unnamed = (rows: readonly AgreedRow[]) => rows.map(({ name: _name, ...row }) => row)

      assert.deepEqual(unnamed(here.out), unnamed(there.in))
      assert.deepEqual(unnamed(here.in), unnamed(there.out))
      assert.deepEqual([here.windowS, here.expires], [there.windowS, there.expires])
      assert.equal(here.differences.length, there.differences.length)
    })
  )
})

test('a topic goes out exactly where this side sends it and the other takes it', () => {
  const topic = fc
    .array(fc.constantFrom('a', 'b', 'c'), { minLength: 1, maxLength: 5 })
    .map(one => one.join('/'))
  const sends = (grant: TreatyGrant, share: string, way: 'in' | 'out', of: string): boolean =>
    grant.rows.some(
      row =>
        row.share.id === share &&
        (row.dir === way || row.dir === 'both') &&
        row.topics.some(pattern => topicMatches(pattern, of))
    )
  fc.assert(
    fc.property(treaties, treaties, topic, (a, b, of) => {
      const [here, there] = [grantOf(a), grantOf(b)]
      const { out } = agree(here, there)

      for (const share of ['1', '2', '3'].map(digit => digit.repeat(32))) {
        const row = out.find(one => one.share === share)
        const isOut = row?.topics.some(pattern => topicMatches(pattern, of)) ?? false
        assert.equal(isOut, sends(here, share, 'out', of) && sends(there, share, 'in', of))
      }
    })
  )
})
