import assert from 'node:assert/strict'
import test from 'node:test'
import { SNAPSHOTS } from './numbers.ts'
import { isSealedPath, pathsProblem } from './paths.ts'
import { type Seal, contentProblem, parseSeal, rootOf, sealOf, sealedItem } from './seal.ts'
import { NOW_S } from './snapshots.fixture.ts'

const files = ['b.txt', 'a.txt', 'deep/c'].map(path => sealedItem(path, Buffer.from(path)))
const { seal, text } = sealOf('test/1', NOW_S, files)

const why = (changed: object | string): string => {
  const written = typeof changed === 'string' ? changed : `${JSON.stringify({ ...seal, ...changed })}\n`
  const read = parseSeal(Buffer.from(written))
  return 'why' in read ? read.why : 'whole'
}

/** The seal with other items, its count and root as they must be. */
const withItems = (items: Seal['items']): object => ({ items, count: items.length, root: rootOf(items) })

test('lists files in the order of their paths, and reads what it writes', () => {
  assert.deepEqual(
    seal.items.map(({ path }) => path),
    ['a.txt', 'b.txt', 'deep/c']
  )
  assert.deepEqual(parseSeal(Buffer.from(text)), { value: seal })
})

test('the root is what sha256sum of its own output is', () => {
  const items = [{ bytes: 1, path: 'a', sha256: 'ab'.repeat(32) }]

  // printf '%s  a\\n' abab... | sha256sum
  assert.equal(rootOf(items), '08f3cc0ae84794a8a7646cb70f6c3b473e85d1512da35eaab81accba5c29487e')
})

test('refuses another count, another root, and a text in another writing', () => {
  assert.equal(why({ count: 2 }), 'count')
  assert.equal(why({ root: '00'.repeat(32) }), 'root')
  assert.equal(why(` ${text}`), 'malformed')
  assert.equal(why(text.trimEnd()), 'malformed')
  assert.equal(why({ more: 1 }), 'malformed')
  assert.equal(why('{'), 'malformed')
  assert.equal(why({ generated_at_utc: 'yesterday' }), 'malformed')
})

test('refuses paths that leave the folder, hide, or are no ASCII', () => {
  const wrong = [
    '..',
    'a/../b',
    '/etc/passwd',
    'a//b',
    './a',
    '.git/config',
    'a/',
    'a\\b',
    'é',
    'e\u0301',
    'a\0b',
    'con ',
    'a.',
    '-rf',
    'sha256.json',
    'SHA256.json',
    'sha256.json.minisig',
    'x'.repeat(101),
    Array.from({ length: 9 }, () => 'a').join('/')
  ]
  for (const path of wrong) {
    assert.equal(isSealedPath(path), false, path)
    const [first, ...rest] = seal.items
    const items = [...rest, { ...first!, path }].sort((a, b) => (a.path < b.path ? -1 : 1))
    assert.equal(why(withItems(items)), 'path', path)
  }
})

test('refuses a path twice, one that differs in case alone, and one that is also a folder', () => {
  for (const paths of [
    ['a', 'a'],
    ['A', 'a'],
    ['a', 'a/b'],
    ['A/x', 'a'],
    ['A/x', 'a/y']
  ])
    assert.equal(pathsProblem(paths)?.why, 'duplicate', paths.join())
  assert.equal(pathsProblem(['b', 'a'])?.why, 'malformed')
  assert.equal(pathsProblem(['a', 'a-b', 'a.b', 'b/a', 'b/c']), undefined)
})

test('refuses too many items, and items that are too large, before it looks at them', () => {
  const item = { bytes: 1, sha256: 'ab'.repeat(32) }
  const many = Array.from({ length: SNAPSHOTS.items + 1 }, (_, n) => ({ ...item, path: `f${10_000 + n}` }))

  assert.equal(why(withItems(many)), 'malformed')
  assert.equal(why(withItems([{ ...item, path: 'a', bytes: SNAPSHOTS.itemBytes + 1 }])), 'malformed')
  assert.equal(why(withItems([])), 'malformed')
  assert.equal(why('x'.repeat(SNAPSHOTS.sealBytes + 1)), 'too_large')
})

test('names the first file that differs from the seal', () => {
  const without = files.filter(({ path }) => path !== 'b.txt')

  assert.equal(contentProblem(seal, files), undefined)
  assert.deepEqual(contentProblem(seal, without), { why: 'missing', about: 'b.txt' })
  assert.equal(contentProblem(seal, [...without, sealedItem('b.txt', Buffer.from('other'))])?.why, 'changed')
  assert.deepEqual(contentProblem(seal, [...files, sealedItem('z', Buffer.of(1))]), {
    why: 'extra',
    about: '"z"'
  })
})
