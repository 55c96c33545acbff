import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { keyOf } from './keys.fixture.ts'
import {
  type Succession,
  formatSuccession,
  parseSuccession,
  succeed,
  successionProblem
} from './succession.ts'
import {
  type LearnedSuccession,
  MAX_SUCCESSIONS,
  confirmationProblem,
  hubChain,
  learnSuccession
} from './succession-chain.ts'

const [A, B, C, D] = [keyOf(1), keyOf(2), keyOf(3), keyOf(4)] as const
type Hub = typeof A
const from = (hub: Hub, successor: Hub, at = 1000): Succession =>
  succeed(
    { hub: hub.key, successor: successor.key },
    { at, hub: hub.hub, reason: 'key moved to a card', successor: successor.hub }
  )
const FIRST = from(A, B)
const LINE = formatSuccession(FIRST)

test('reads back what it writes, signed by both hubs', () => {
  assert.deepEqual(parseSuccession(LINE).statement, FIRST.statement)
  assert.equal(formatSuccession(parseSuccession(LINE)), LINE)
  assert.equal(successionProblem(parseSuccession(LINE)), undefined)
})

test('is nobody’s word when one hub alone signed it', () => {
  const [byHub, bySuccessor] = FIRST.signatures
  const { statement } = FIRST

  assert.equal(successionProblem({ statement, signatures: [byHub, byHub] }), 'successor_signature')
  assert.equal(successionProblem({ statement, signatures: [bySuccessor, bySuccessor] }), 'signature')
  assert.equal(successionProblem({ statement, signatures: [bySuccessor, byHub] }), 'signature')
})

test('is no word for other hubs than it names', () => {
  const statement = { ...FIRST.statement, successor: C.hub }

  assert.equal(successionProblem({ ...FIRST, statement }), 'signature')
  assert.equal(successionProblem({ ...FIRST, statement: { ...FIRST.statement, hub: C.hub } }), 'signature')
})

for (const [what, line] of [
  ['one signature', LINE.replace(/\["[^"]+",/, '[')],
  ['three signatures', LINE.replace(/\[("[^"]+"),/, '[$1,$1,')],
  ['a member more', LINE.replace('"at":', '"after":1,"at":')],
  ['a line feed', `${LINE}\n`],
  ['another order', LINE.replace('"at":1000,', '').replace('}}', ',"at":1000}}')],
  ['a signature with bits behind its end', LINE.replace(/.==/, 'B==')],
  ['a hub that is none', LINE.replace(A.hub, `h1${'a'.repeat(52)}`)]
] as const) {
  test(`refuses a line with ${what}`, () => {
    assert.notEqual(line, LINE)
    assert.throws(() => parseSuccession(line), SyntaxError)
  })
}

test('answers hostile text with SyntaxError only', () => {
  const spliced = fc
    .tuple(fc.nat(LINE.length), fc.nat(8), fc.string())
    .map(([at, cut, put]) => LINE.slice(0, at) + put + LINE.slice(at + cut))
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.json(), spliced), text => {
      if (text === LINE) return
      try {
        assert.notEqual(successionProblem(parseSuccession(text)), undefined)
      } catch (error) {
        assert.ok(error instanceof SyntaxError, String(error))
      }
    })
  )
  assert.throws(() => parseSuccession('['.repeat(1e6)), /longer than 2048/)
})

test('successions make a chain', () => {
  const known = knowing(FIRST, from(B, C))

  assert.deepEqual(hubChain(known, A.hub), [A.hub, B.hub, C.hub])
  assert.deepEqual(hubChain(known, C.hub), [C.hub])
})

test('a succession is learned once, whenever it says that it was made', () => {
  assert.equal(learnSuccession([FIRST], from(A, B, 2000)).verdict, 'known')
})

test('a hub with two successors has said two things, which is proof against it', () => {
  const second = from(A, C)

  assert.deepEqual(learnSuccession([FIRST], second), { verdict: 'equivocation', proof: [FIRST, second] })
})

test('no hub succeeds itself, at once or in the end', () => {
  assert.equal(whyNot(learnSuccession([], from(A, A))), 'cycle')
  assert.equal(whyNot(learnSuccession(knowing(FIRST, from(B, C)), from(C, A))), 'cycle')
})

test('no hub succeeds two', () => {
  assert.equal(whyNot(learnSuccession([FIRST], from(C, B))), 'taken')
})

test('a forged one is refused before it can prove anything', () => {
  const forged = { ...from(A, C), signatures: FIRST.signatures }

  assert.equal(whyNot(learnSuccession([FIRST], forged)), 'signature')
})

test('a chain has so many at most, before and behind together; what other hubs said takes no place of it', () => {
  const follows = (hub: string, successor: string): Succession => ({
    ...FIRST,
    statement: { ...FIRST.statement, hub, successor }
  })
  const before = Array.from({ length: 40 }, (_, n) => follows(`a${n}`, n === 39 ? A.hub : `a${n + 1}`))
  const behind = Array.from({ length: MAX_SUCCESSIONS - 40 }, (_, n) =>
    follows(n === 0 ? B.hub : `b${n}`, `b${n + 1}`)
  )
  const others = Array.from({ length: 1024 }, (_, n) => follows(`old${n}`, `new${n}`))

  assert.equal(whyNot(learnSuccession([...before, ...behind], FIRST)), 'full')
  assert.equal(learnSuccession([...others, ...before, ...behind.slice(0, -1)], FIRST).verdict, 'new')
})

test('an operator confirms any later hub of the chain, for a hub that is allowed', () => {
  const known = knowing(FIRST, from(B, C))
  const allowing =
    (...hubs: readonly Hub[]) =>
    (hub: string) =>
      hubs.some(one => one.hub === hub)
  const confirm = (isAllowed: (hub: string) => boolean, hub: Hub, successor: Hub) =>
    confirmationProblem(known, isAllowed, { hub: hub.hub, successor: successor.hub })

  assert.equal(confirm(allowing(A), A, B), undefined)
  assert.equal(confirm(allowing(A), A, C), undefined)
  assert.equal(confirm(allowing(), A, B), 'not_allowed')
  assert.equal(confirm(allowing(A), A, D), 'not_successor')
  assert.equal(confirm(allowing(A), A, A), 'not_successor')
  assert.equal(confirm(allowing(B), B, A), 'not_successor')
  assert.equal(confirm(allowing(A, B), A, B), 'already_allowed')
})

test('whatever is learned in whatever order, no chain is a circle and no hub has two successors or predecessors', () => {
  const hubs = [A, B, C, D]
  const pair = fc.tuple(fc.nat(3), fc.nat(3))
  fc.assert(
    fc.property(fc.array(pair, { maxLength: 12 }), pairs => {
      let known: readonly Succession[] = []
      for (const [one, other] of pairs) {
        const learned = learnSuccession(known, from(hubs[one]!, hubs[other]!))
        if ('known' in learned) known = learned.known
      }
      const ends = known.map(({ statement }) => statement.hub)
      const begins = known.map(({ statement }) => statement.successor)

      assert.equal(new Set(ends).size, ends.length)
      assert.equal(new Set(begins).size, begins.length)
      for (const { hub } of hubs) assert.ok(hubChain(known, hub).length <= 4)
    }),
    { numRuns: 60 }
  )
})

function knowing(...successions: readonly Succession[]): readonly Succession[] {
  return successions.reduce<readonly Succession[]>((known, succession) => {
    const learned = learnSuccession(known, succession)
    assert.ok('known' in learned)
    return learned.known
  }, [])
}

const whyNot = (learned: LearnedSuccession): string | undefined =>
  learned.verdict === 'refused' ? learned.why : undefined
