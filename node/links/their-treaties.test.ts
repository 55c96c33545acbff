import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LEAST_TREATY, grantOf } from '../../federation/index.ts'
import { TheirTreaties } from './their-treaties.ts'

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

test('a proof counts whatever was told before, also one that says nothing; a hub that is removed is forgotten', () => {
  const theirs = new TheirTreaties()
  for (const hub of [HUB, OTHER]) theirs.told(hub, more)

  theirs.proved(HUB, undefined)
  theirs.forget(OTHER)

  assert.deepEqual([theirs.of(HUB), theirs.of(OTHER)], [undefined, undefined])
})
