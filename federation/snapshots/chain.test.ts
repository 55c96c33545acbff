import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import { type HeldSnapshot, type Numbered, heldOf, succeeding, timeRefusal } from './chain.ts'
import { nextSeq } from './snapshot.ts'
import { NOW_S, sealed, statementOf } from './snapshots.fixture.ts'

const numbered = (...given: Parameters<typeof sealed>): Numbered => {
  const { snapshot, sha256 } = sealed(...given)
  return { statement: snapshot.statement, sha256 }
}
const first = numbered()
const held = heldOf(first)
const after = { seq: held.seq, sha256: held.sha256 }
const { heads } = statementOf()
const otherLog = {
  ...heads,
  audit: { ...heads.audit!, origin: heads.audit!.origin.replace('aa', 'bb'), size: 1 }
}

const verdict = (next: Numbered, before: HeldSnapshot | undefined = held): string => {
  const found = succeeding(next, before)
  return found.verdict === 'refused' ? found.refusal.why : found.verdict
}

test('takes the first one of a hub, the same again, the next, and one behind a gap', () => {
  assert.equal(succeeding(first, undefined).verdict, 'first')
  assert.equal(verdict(first), 'known')
  assert.equal(verdict(numbered({ seq: 8, prev: after })), 'next')
  assert.equal(verdict(numbered({ seq: 20, prev: { seq: 19, sha256: 'cd'.repeat(32) } })), 'gap')
})

test('refuses an older number as a rollback, and two snapshots of one number as a split', () => {
  assert.equal(verdict(numbered({ seq: 6 })), 'rollback')
  assert.equal(verdict(numbered({ created: NOW_S + 1 })), 'split')
})

test('refuses a chain that names another snapshot than the one that is known, or goes around it', () => {
  assert.equal(verdict(numbered({ seq: 8, prev: { ...after, sha256: 'cd'.repeat(32) } })), 'wrong_chain')
  assert.equal(verdict(numbered({ seq: 8, prev: { seq: 3, sha256: 'cd'.repeat(32) } })), 'wrong_chain')
  assert.equal(verdict(numbered({ seq: 8 })), 'wrong_chain')
})

test('refuses heads that have become fewer within one log', () => {
  const shorter = { ...heads, audit: { ...heads.audit!, size: 9 } }
  const fewer = { ...heads, revocation: { ...heads.revocation, seq: 2 } }

  assert.equal(verdict(numbered({ seq: 8, prev: after, heads: shorter })), 'rollback')
  assert.equal(verdict(numbered({ seq: 8, prev: after, heads: fewer })), 'rollback')
})

test('takes a hub that was restored from older files: its log is another, and its number a higher one', () => {
  assert.equal(
    verdict(numbered({ seq: 8, prev: { seq: 3, sha256: 'cd'.repeat(32) }, heads: otherLog })),
    'restored'
  )
  assert.equal(verdict(numbered({ seq: 6, heads: otherLog })), 'rollback')
  assert.equal(verdict(numbered({ seq: 7, heads: otherLog })), 'split')
})

test('a snapshot holds from when it was made until it expires, with a minute on either side', () => {
  const { created, expires } = held

  assert.equal(timeRefusal(held, created - 60), undefined)
  assert.equal(timeRefusal(held, created - 61)?.why, 'future')
  assert.equal(timeRefusal(held, expires + 60), undefined)
  assert.equal(timeRefusal(held, expires + 61)?.why, 'expired')
})

test('a number never comes again, whatever last number a backup knows and wherever the clock goes', () => {
  // The lowest 20 bits of these four differ.
  const lives = ['a', 'b', 'c', 'd']
  const moments = fc.array(fc.integer({ min: -1000, max: 1000 }), { minLength: 1, maxLength: 50 })
  fc.assert(
    fc.property(moments, fc.array(fc.nat(49), { maxLength: 3 }), (steps, restores) => {
      let [nowS, last, life] = [NOW_S, 0, 0]
      const given: number[] = []
      for (const [n, step] of steps.entries()) {
        nowS += step
        if (restores.includes(n)) {
          // From a backup of before all of them.
          last = 0
          life++
        }
        const next = nextSeq(last, nowS, lives[life]!)
        assert.ok(next > last && next >= nowS * 2 ** 20)
        given.push((last = next))
      }
      assert.equal(new Set(given).size, given.length)
    })
  )
})

test('a number is whole and no longer than a folder may be named, whatever a clock says', () => {
  for (const nowS of [0, 1, NOW_S, 2 ** 32, Number.MAX_SAFE_INTEGER]) {
    const next = nextSeq(0, nowS, 'a')
    assert.ok(Number.isSafeInteger(next) && next > 0 && String(next).length <= 16)
  }
})
