import assert from 'node:assert/strict'
import { test } from 'node:test'
import { STATUSES, brokenAt, firstRecord, nextRecord } from './status.ts'
import type { Status, StatusRecord } from './status.ts'

const DIGEST = 'ab'.repeat(32)
const at = '2026-01-01T00:00:00.000Z'
const of = (status: Status): StatusRecord => firstRecord(DIGEST, { status, meta: {}, at, by: 'a' })

const WAYS: readonly (readonly [from: Status, to: Status, isModerator: boolean])[] = [
  ['queued', 'accepted', false],
  ['queued', 'rejected', false],
  ['queued', 'quarantined', false],
  ['accepted', 'archived', false],
  ['rejected', 'archived', false],
  ['quarantined', 'archived', false],
  ['quarantined', 'accepted', true],
  ['quarantined', 'rejected', true]
]

test('a status follows another only by the table, and some for moderators alone', () => {
  for (const from of STATUSES)
    for (const to of STATUSES)
      for (const isModerator of [false, true]) {
        const isWay = WAYS.some(([f, t, moderated]) => f === from && t === to && (isModerator || !moderated))
        const change = (): StatusRecord => nextRecord(of(from), { status: to, at, by: 'b' }, { isModerator })

        if (isWay || from === to) assert.equal(change().status, to)
        else assert.throws(change, { code: 'bad_transition' }, `${from} to ${to}`)
      }
})

test('where all is moderated nobody else accepts, not even what is queued', () => {
  const accept = (isModerator: boolean): StatusRecord =>
    nextRecord(of('queued'), { status: 'accepted', at, by: 'b' }, { isModerator, isModerated: true })

  assert.throws(() => accept(false), { code: 'bad_transition' })
  assert.equal(accept(true).status, 'accepted')
})

test('a record keeps what is not changed, and fits the one before', () => {
  const first = firstRecord(DIGEST, { status: 'queued', meta: { a: 1 }, at, by: 'a' })
  const second = nextRecord(first, { status: 'accepted', at, by: 'b' })
  const third = nextRecord(second, { meta: { a: 2 }, at, by: 'c' })

  assert.deepEqual([second.meta, third.status], [{ a: 1 }, 'accepted'])
  assert.equal(brokenAt(DIGEST, [first, second, third]), undefined)
  assert.equal(brokenAt(DIGEST, [first, third]), 1)
})
