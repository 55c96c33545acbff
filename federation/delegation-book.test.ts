import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  type DelegatedKind,
  type DelegationBook,
  type Learned,
  MAX_DELEGATIONS,
  MAX_KEY_REVOCATIONS,
  emptyBook,
  isRevoked,
  learnDelegation,
  learnKeyRevocation,
  statementProblem,
  succeededBy
} from './delegation-book.ts'
import { type DelegationStatement, type KeyStatement, delegate } from './delegation.ts'
import { exactly } from './form.ts'
import { forms } from './forms.ts'
import { revokeKey } from './key-revocation.ts'
import { HUB, OTHER_HUB, keyOf } from './keys.fixture.ts'
import { signStatement } from './statement.ts'

const FIRST = keyOf(7)
const SECOND = keyOf(8)
const DELEGATED: KeyStatement = {
  epoch: 1,
  hub: HUB.hub,
  key: FIRST.hex,
  node: 'node1',
  not_after: 2000,
  not_before: 1000,
  role: 'snapshot'
}
const REPLACED: KeyStatement = { ...DELEGATED, epoch: 2, key: SECOND.hex, not_before: 1500, not_after: 3000 }

type Word = { readonly hub: string; readonly key: string; readonly epoch: number; readonly at: number }
const WORD: DelegatedKind<Word> = {
  tag: 'test/word/1',
  maxChars: 512,
  role: 'snapshot',
  form: exactly({ at: forms.seconds, epoch: forms.epoch, hub: forms.hub, key: forms.hex32 }),
  claim: word => word
}
const wordOf = (change: Partial<Word> = {}, by = FIRST) =>
  signStatement(WORD, by.key, { hub: HUB.hub, key: by.hex, epoch: 1, at: 1200, ...change })

test('a statement holds inside the time of its delegation, also after a newer epoch and long after', () => {
  const book = bookOf(DELEGATED, REPLACED)

  assert.equal(statementProblem(book, WORD, wordOf(), 9_000_000), undefined)
  assert.equal(statementProblem(book, WORD, wordOf({ at: 1000 }), 9_000_000), undefined)
  assert.equal(statementProblem(book, WORD, wordOf({ at: 2000 }), 9_000_000), undefined)
  assert.equal(statementProblem(book, WORD, wordOf({ epoch: 2, at: 2500 }, SECOND), 9_000_000), undefined)
})

test('a statement is refused by the first rule that it breaks', () => {
  const book = bookOf(DELEGATED, REPLACED)
  const forged = { ...wordOf(), signature: wordOf({ at: 1201 }).signature }

  assert.equal(statementProblem(emptyBook(OTHER_HUB.hub), WORD, wordOf(), 1200), 'hub')
  assert.equal(statementProblem(book, WORD, wordOf({ epoch: 2 }), 1200), 'key')
  assert.equal(statementProblem(book, WORD, wordOf({}, keyOf(9)), 1200), 'key')
  assert.equal(statementProblem(book, { ...WORD, role: 'manifest' }, wordOf(), 1200), 'key')
  assert.equal(statementProblem(book, WORD, wordOf({ at: 999 }), 1200), 'time')
  assert.equal(statementProblem(book, WORD, wordOf({ at: 2001 }), 1200), 'time')
  assert.equal(statementProblem(book, WORD, forged, 1200), 'signature')
})

test('after the revocation of a key only what was seen before is its hub’s word', () => {
  const book = revoking(bookOf(DELEGATED, REPLACED), FIRST.hex, 1600)

  assert.equal(statementProblem(book, WORD, wordOf(), 1599), undefined)
  assert.equal(statementProblem(book, WORD, wordOf(), 1600), 'revoked')
  assert.equal(statementProblem(book, WORD, wordOf({ epoch: 2, at: 1700 }, SECOND), 1700), undefined)
})

test('a key is revoked in every role and on every node, and as the key of a peer', () => {
  const link: DelegationStatement = {
    epoch: 1,
    hub: HUB.hub,
    node: 'node2',
    not_after: 2000,
    not_before: 1000,
    peer_id: FIRST.peerId,
    role: 'link'
  }
  const book = revoking(bookOf(DELEGATED, link), FIRST.hex, 1600)
  const linked: DelegatedKind<Word> = { ...WORD, role: 'link' }

  assert.equal(statementProblem(book, linked, wordOf(), 1599), undefined)
  assert.equal(statementProblem(book, linked, wordOf(), 1600), 'revoked')
  assert.equal(whyNot(learnDelegation(book, delegate(HUB.key, { ...link, node: 'node3' }))), 'revoked')
  assert.equal(learnDelegation(book, delegate(HUB.key, link)).verdict, 'known')
})

test('the time at which a revocation was learned first stays', () => {
  const book = revoking(bookOf(DELEGATED), FIRST.hex, 1600)
  const again = learnKeyRevocation(book, revocationOf(FIRST.hex, 'again'), 1300)

  assert.equal(again.verdict, 'known')
  assert.equal(statementProblem(taken(again), WORD, wordOf(), 1500), undefined)
})

test('two delegations for one place that differ are a proof against their hub', () => {
  const first = delegate(HUB.key, DELEGATED)
  const second = delegate(HUB.key, { ...DELEGATED, not_after: 2001 })
  const book = taken(learnDelegation(emptyBook(HUB.hub), first))

  assert.deepEqual(learnDelegation(book, second), { verdict: 'equivocation', proof: [first, second] })
  assert.equal(learnDelegation(book, first).verdict, 'known')
})

test('nodes, roles and epochs are places of their own', () => {
  const others: readonly KeyStatement[] = [
    { ...DELEGATED, node: 'node2' },
    { ...DELEGATED, role: 'manifest' },
    { ...DELEGATED, epoch: 2 }
  ]

  assert.equal(bookOf(DELEGATED, ...others).delegations.length, 4)
})

test('takes nothing that is another hub’s, or not signed by its own', () => {
  const book = emptyBook(HUB.hub)
  const revocation = revocationOf(FIRST.hex)

  assert.equal(whyNot(learnDelegation(book, delegate(HUB.key, { ...DELEGATED, hub: OTHER_HUB.hub }))), 'hub')
  assert.equal(whyNot(learnDelegation(book, delegate(OTHER_HUB.key, DELEGATED))), 'signature')
  assert.equal(whyNot(learnKeyRevocation(emptyBook(OTHER_HUB.hub), revocation, 1)), 'hub')
  const forged = revokeKey(FIRST.key, revocation.statement)
  assert.equal(whyNot(learnKeyRevocation(book, forged, 1)), 'signature')
  assert.equal(isRevoked(book, FIRST.hex), false)
})

test('a book has room for so many delegations and revocations, and keeps what it has', () => {
  let book = bookOf(DELEGATED)
  for (let epoch = 2; epoch <= MAX_DELEGATIONS; epoch++)
    book = taken(learnDelegation(book, delegate(HUB.key, { ...DELEGATED, epoch })))
  for (let n = 0; n < MAX_KEY_REVOCATIONS; n++) book = revoking(book, n.toString(16).padStart(64, '0'), n + 1)

  assert.equal(whyNot(learnDelegation(book, delegate(HUB.key, { ...DELEGATED, node: 'one-more' }))), 'full')
  assert.equal(whyNot(learnKeyRevocation(book, revocationOf('ff'.repeat(32)), 1)), 'full')
  assert.equal(learnDelegation(book, delegate(HUB.key, DELEGATED)).verdict, 'known')
  assert.equal(learnKeyRevocation(book, revocationOf('00'.repeat(32)), 1).verdict, 'known')
})

test('a hub that was succeeded delegates no more; what it had delegated holds as before', () => {
  const book = succeededBy(bookOf(DELEGATED), OTHER_HUB.hub)

  assert.equal(whyNot(learnDelegation(book, delegate(HUB.key, REPLACED))), 'succeeded')
  assert.equal(learnDelegation(book, delegate(HUB.key, DELEGATED)).verdict, 'known')
  assert.equal(statementProblem(book, WORD, wordOf(), 9000), undefined)
  assert.equal(statementProblem(revoking(book, FIRST.hex, 1600), WORD, wordOf(), 1600), 'revoked')
})

test('what a book says does not depend on the order in which it learned', () => {
  const statements: readonly KeyStatement[] = [
    DELEGATED,
    REPLACED,
    { ...DELEGATED, node: 'node2', not_before: 1900, not_after: 4000 }
  ]
  const order = fc.shuffledSubarray([0, 1, 2], { minLength: 3 })
  const word = fc.record({ at: fc.integer({ min: 900, max: 4100 }), epoch: fc.integer({ min: 1, max: 3 }) })
  const plain = bookOf(...statements)
  fc.assert(
    fc.property(order, word, fc.integer({ min: 1, max: 5000 }), (at, change, seen) => {
      const book = bookOf(...at.map(n => statements[n]!))
      const signed = wordOf(change)

      assert.equal(
        statementProblem(revoking(book, FIRST.hex, 2500), WORD, signed, seen),
        statementProblem(revoking(plain, FIRST.hex, 2500), WORD, signed, seen)
      )
    })
  )
})

function bookOf(...statements: readonly DelegationStatement[]): DelegationBook {
  return statements.reduce<DelegationBook>(
    (book, statement) => taken(learnDelegation(book, delegate(HUB.key, statement))),
    emptyBook(HUB.hub)
  )
}

const revocationOf = (key: string, reason = '') => revokeKey(HUB.key, { at: 1, hub: HUB.hub, key, reason })

const revoking = (book: DelegationBook, key: string, nowS: number): DelegationBook =>
  taken(learnKeyRevocation(book, revocationOf(key), nowS))

function taken(learned: Learned): DelegationBook {
  assert.ok('book' in learned, JSON.stringify(learned))
  return learned.book
}

const whyNot = (learned: Learned): string | undefined =>
  learned.verdict === 'refused' ? learned.why : undefined
