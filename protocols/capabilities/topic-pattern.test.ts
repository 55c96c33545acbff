import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import { isTopic, isTopicPattern, meetPatterns, patternCovers, topicMatches } from './topic-pattern.ts'

const RUNS = { numRuns: 2000 }

const sequences = (symbols: readonly string[], length: number): string[][] =>
  length === 0
    ? [[]]
    : sequences(symbols, length - 1).flatMap(start => symbols.map(symbol => [...start, symbol]))

const upTo = (symbols: readonly string[], longest: number): string[][] =>
  Array.from({ length: longest }, (_, i) => sequences(symbols, i + 1)).flat()

/** Every topic of up to five segments over three names, one of which no pattern below has. */
const TOPICS = upTo(['a', 'b', 'z'], 5).map(segments => segments.join('/'))
/** Every pattern of up to three segments over two names. */
const PATTERNS = [
  ...upTo(['a', 'b', '*'], 3),
  ['**'],
  ...upTo(['a', 'b', '*'], 2).map(segments => [...segments, '**'])
].map(segments => segments.join('/'))

/** What the specification says, as a regular expression. */
const asRegExp = (pattern: string): RegExp =>
  new RegExp(
    `^${pattern
      .split('/')
      .map(segment => (segment === '**' ? '[^/]+(?:/[^/]+)*' : segment === '*' ? '[^/]+' : segment))
      .join('/')}$`
  )

const allowed = new Map(
  PATTERNS.map(pattern => [pattern, new Set(TOPICS.filter(topic => topicMatches(pattern, topic)))])
)

test('every pattern of three segments allows exactly the topics that it describes', () => {
  assert.equal(TOPICS.length, 3 + 9 + 27 + 81 + 243)
  assert.equal(PATTERNS.length, 39 + 1 + 12)
  for (const pattern of PATTERNS) {
    assert.ok(isTopicPattern(pattern), pattern)
    const described = TOPICS.filter(topic => asRegExp(pattern).test(topic))
    assert.deepEqual([...allowed.get(pattern)!], described, pattern)
  }
})

test('every two patterns have in common what their meeting allows, and nothing more', () => {
  for (const a of PATTERNS) {
    for (const b of PATTERNS) {
      const both = TOPICS.filter(topic => allowed.get(a)!.has(topic) && allowed.get(b)!.has(topic))
      const met = meetPatterns(a, b)

      const kept = met === undefined ? [] : TOPICS.filter(topic => topicMatches(met, topic))
      assert.deepEqual(kept, both, `${a} and ${b}: ${met}`)
      assert.equal(met === undefined, both.length === 0, `${a} and ${b}`)
      if (met !== undefined) assert.ok(isTopicPattern(met), met)
    }
  }
})

test('a pattern covers another if it allows all that the other allows, and only then', () => {
  for (const outer of PATTERNS) {
    for (const inner of PATTERNS) {
      const isSubset = [...allowed.get(inner)!].every(topic => allowed.get(outer)!.has(topic))
      assert.equal(patternCovers(outer, inner), isSubset, `${outer} and ${inner}`)
    }
  }
})

const names = fc.stringMatching(/^[A-Za-z0-9._~-]{1,6}$/)
const topics = fc.array(names, { minLength: 1, maxLength: 6 }).map(segments => segments.join('/'))

/** A pattern that allows a topic: some of its segments covered, maybe its end too. */
const patternsOf = (topic: string): fc.Arbitrary<string> =>
  fc.tuple(fc.infiniteStream(fc.boolean()), fc.nat(6)).map(([covers, from]) => {
    const segments = topic.split('/').map(segment => (covers.next().value ? '*' : segment))
    return (from < segments.length ? [...segments.slice(0, from), '**'] : segments).join('/')
  })

const topicAndTwo = topics.chain(topic => fc.tuple(fc.constant(topic), patternsOf(topic), patternsOf(topic)))

test('a topic that two patterns allow is allowed by their meeting, however long', () => {
  fc.assert(
    fc.property(topicAndTwo, ([topic, a, b]) => {
      const met = meetPatterns(a, b)

      assert.ok(topicMatches(a, topic) && topicMatches(b, topic))
      assert.ok(met !== undefined && topicMatches(met, topic))
      assert.equal(met, meetPatterns(b, a))
      assert.ok(patternCovers(a, met) && patternCovers(b, met))
    }),
    RUNS
  )
})

test('no pattern allows text that is no topic', () => {
  fc.assert(
    fc.property(
      fc.oneof(fc.string({ maxLength: 12 }), fc.string({ unit: 'binary', maxLength: 12 })),
      text => {
        if (isTopic(text)) return
        for (const pattern of ['**', '*', '*/**']) assert.ok(!topicMatches(pattern, text))
      }
    ),
    RUNS
  )
})

test('patterns and topics end at 255 bytes', () => {
  assert.ok(isTopic('a'.repeat(255)) && isTopicPattern(`${'a'.repeat(252)}/**`))
  assert.ok(!isTopic('a'.repeat(256)) && !isTopicPattern(`${'a'.repeat(253)}/**`))
})
