import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LEAST_TREATY, grantOf } from '../../federation/index.ts'
import { CheckedRows } from '../stores/checked-rows.ts'
import { openLevel } from '../stores/level.ts'
import { THEIR_ROWS, TheirTreaties } from './their-treaties.ts'

const [HUB, OTHER] = [`h1${'b'.repeat(52)}`, `h1${'c'.repeat(52)}`]
const least = grantOf(LEAST_TREATY)
const more = grantOf({ ...LEAST_TREATY, verbs: ['mailbox:send'] })

test('what a hub tells takes the place of what it proved, and what is no treaty changes nothing', () => {
  const theirs = new TheirTreaties()
  theirs.proved(HUB, least)

  assert.equal(theirs.told(HUB, more), true)
  for (const wrong of [undefined, null, [], {}, { ...least, verbs: 'all' }])
    assert.equal(theirs.told(HUB, wrong), false)

  assert.deepEqual(theirs.of(HUB), more)
  assert.equal(theirs.of(OTHER), undefined)
})

test('what hubs grant outlives the process once it is kept, but of hubs that are not allowed any more', async () => {
  const level = await openLevel('memory')
  const rows = new CheckedRows(() => level, THEIR_ROWS)
  const before = new TheirTreaties(rows)
  before.proved(HUB, least)
  before.proved(OTHER, least)
  await before.keep()
  before.told(HUB, more)
  await before.keep()
  before.told(OTHER, more)

  const after = await TheirTreaties.open(rows, () => true)
  const later = await TheirTreaties.open(rows, hub => hub === OTHER)
  const last = await TheirTreaties.open(rows, () => true)

  assert.deepEqual(
    [HUB, OTHER].map(hub => after.of(hub)),
    [more, least]
  )
  assert.deepEqual(
    [HUB, OTHER].map(hub => later.of(hub)),
    [undefined, least]
  )
  assert.deepEqual(
    [HUB, OTHER].map(hub => last.of(hub)),
    [undefined, least]
  )
})

test('what could not be written is written with what comes next, and a hub that was forgotten stays so', async () => {
  const level = await openLevel('memory')
  let isBroken = false
  const rows = new CheckedRows(() => {
    if (isBroken) throw new Error('no store')
    return level
  }, THEIR_ROWS)
  const theirs = new TheirTreaties(rows)
  theirs.told(HUB, more)
  await theirs.keep()
  theirs.forget(HUB)
  isBroken = true
  await assert.rejects(theirs.keep(), /no store/)

  isBroken = false
  theirs.told(OTHER, least)
  await theirs.keep()

  const after = await TheirTreaties.open(rows, () => true)
  assert.deepEqual(
    [HUB, OTHER].map(hub => after.of(hub)),
    [undefined, least]
  )
})

test('a proof counts whatever was told before, also one that says nothing; a hub that is removed is forgotten', () => {
  const theirs = new TheirTreaties()
  for (const hub of [HUB, OTHER]) theirs.told(hub, more)

  theirs.proved(HUB, undefined)
  theirs.forget(OTHER)

  assert.deepEqual([theirs.of(HUB), theirs.of(OTHER)], [undefined, undefined])
})
