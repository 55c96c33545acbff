import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import { topicMatches } from '../../protocols/index.ts'
import { TopicIndex } from './topic-index.ts'

const segment = fc.constantFrom('a', 'b', '*')
const pattern = fc
  .tuple(fc.array(segment, { maxLength: 4 }), fc.boolean())
  .filter(([segments, hasTail]) => segments.length > 0 || hasTail)
  .map(([segments, hasTail]) => [...segments, ...(hasTail ? ['**'] : [])].join('/'))
const topic = fc
  .array(fc.constantFrom('a', 'b', 'c'), { minLength: 1, maxLength: 5 })
  .map(all => all.join('/'))

test('finds the patterns that allow a topic, and no others', () => {
  fc.assert(
    fc.property(fc.array(pattern, { maxLength: 12 }), topic, (patterns, asked) => {
      const index = new TopicIndex<string>()
      for (const one of patterns) index.add(one, one)

      const allowing = new Set(patterns.filter(one => topicMatches(one, asked)))
      assert.deepEqual([...index.find(asked)].sort(), [...allowing].sort())
    }),
    { numRuns: 2000 }
  )
})

test('finds a value once, whichever of its patterns allow the topic', () => {
  const index = new TopicIndex<number>()
  for (const one of ['a/*', '*/b', 'a/**', '**']) index.add(one, 7)

  assert.deepEqual([...index.find('a/b')], [7])
})

test('nothing allows what is no topic', () => {
  const index = new TopicIndex<number>()
  for (const one of ['**', '*', '*/*']) index.add(one, 1)

  for (const text of ['', '*', '**', 'a/*', 'a//b', '/', 'a/', 'a b', 'x'.repeat(256), 'é'])
    assert.equal(index.find(text).size, 0, text)
})
